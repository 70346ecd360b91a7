package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// targets are what the checks look at: an HTTP server, of which one path fails as told, and a DNS
// server that knows one name.
type targets struct {
	http    *http.Server
	dns     *dns.Server
	httpURL string
	dnsAddr string
	failing atomic.Bool
}

func startTargets() (*targets, error) {
	t := &targets{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("/toggle", func(w http.ResponseWriter, _ *http.Request) {
		if t.failing.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	t.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	t.httpURL = fmt.Sprintf("http://%s/", listener.Addr())
	t.dns = &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(answer)}
	t.dnsAddr = packets.LocalAddr().String()
	go func() { _ = t.http.Serve(listener) }()
	go func() { _ = t.dns.ActivateAndServe() }()
	return t, nil
}

func answer(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	reply.Answer = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
		A:   net.IPv4(127, 0, 0, 1),
	}}
	_ = w.WriteMsg(reply)
}

func (t *targets) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = t.http.Shutdown(ctx)
	_ = t.dns.ShutdownContext(ctx)
}
