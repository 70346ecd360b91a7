package route

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
)

const (
	// udpSize is the answer by UDP that a resolver is told we take, in bytes: without fragments on
	// common networks.
	udpSize = 1232
	// tries by UDP are made, each for so long.
	tries, tryFor = 3, 2 * time.Second
	// maxChain bounds how many aliases are followed.
	maxChain = 16
)

// ask looks a name up at the resolver of the options.
func (r Route) ask(ctx context.Context, tools executor.Tools, host string) (found []netip.Addr, err error) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil {
		if trace.DNSStart != nil {
			trace.DNSStart(httptrace.DNSStartInfo{Host: host})
		}
		defer func() {
			if trace.DNSDone != nil {
				trace.DNSDone(httptrace.DNSDoneInfo{Err: err})
			}
		}()
	}
	questions := []question{{r.resolver, host, dns.TypeAAAA}, {r.resolver, host, dns.TypeA}}
	switch r.version {
	case only4:
		questions = questions[1:]
	case only6:
		questions = questions[:1]
	}
	results := make([]result, len(questions))
	var asking sync.WaitGroup
	quiet := untraced(ctx)
	for i, q := range questions {
		asking.Go(func() { results[i].found, results[i].err = q.ask(quiet, tools) })
	}
	asking.Wait()
	for _, result := range results {
		found = append(found, result.found...)
		// That there are none of one version is the lesser news.
		var none *net.DNSError
		if err == nil || (errors.As(err, &none) && none.IsNotFound && result.err != nil) {
			err = result.err
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, err
}

type result struct {
	found []netip.Addr
	err   error
}

// text tells a person of the result.
func (r result) text(of string) string {
	if r.err != nil {
		return of + ": " + strings.TrimSpace(executor.Explain(r.err, "").Error())
	}
	for i, address := range r.found {
		of += []string{": ", ", "}[min(i, 1)] + address.String()
	}
	return of
}

// question is one to a resolver.
type question struct {
	resolver, host string
	kind           uint16
}

// ask returns at least one address or an error.
func (q question) ask(ctx context.Context, tools executor.Tools) ([]netip.Addr, error) {
	reply, err := q.patiently(ctx, tools)
	if err != nil {
		return nil, err
	}
	if reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError {
		return nil, q.failed("the resolver " + q.resolver + " answered " + dns.RcodeToString[reply.Rcode])
	}
	found := addressesOf(reply, q.kind)
	if len(found) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: q.host, Server: q.resolver, IsNotFound: true}
	}
	return found, nil
}

func (q question) failed(text string) error {
	return &net.DNSError{Err: text, Name: q.host, Server: q.resolver}
}

// patiently asks by UDP, again where nothing comes back, and by TCP where that is too short.
func (q question) patiently(ctx context.Context, tools executor.Tools) (*dns.Msg, error) {
	for range tries {
		reply, err := q.within(ctx, tools, "udp", tryFor)
		switch {
		case err == nil && reply.Truncated:
			return q.within(ctx, tools, "tcp", tries*tryFor)
		case err == nil || over(ctx) != nil || !timedOut(err):
			return reply, err
		}
	}
	return nil, q.failed("the resolver " + q.resolver + " does not answer")
}

// over is why ctx has ended, also in the moment between its deadline and its end, in which a
// connection with that deadline ends.
func over(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// within asks once, and waits no longer than so.
func (q question) within(ctx context.Context, tools executor.Tools, network string, most time.Duration) (*dns.Msg, error) {
	bounded, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	raw, err := tools.Policy.Dial(bounded, network, q.resolver)
	if err != nil {
		return nil, q.explain(ctx, err)
	}
	defer func() { _ = raw.Close() }()
	stop := context.AfterFunc(bounded, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	query := new(dns.Msg).SetQuestion(dns.Fqdn(q.host), q.kind)
	query.SetEdns0(udpSize, false)
	client := &dns.Client{Net: network, UDPSize: udpSize, Timeout: most}
	reply, _, err := client.ExchangeWithConnContext(bounded, query, &dns.Conn{Conn: raw, UDPSize: udpSize})
	switch {
	case err != nil:
		return nil, q.explain(ctx, err)
	case !reply.Response || len(reply.Question) != 1 || reply.Question[0].Qtype != q.kind || !strings.EqualFold(reply.Question[0].Name, query.Question[0].Name):
		return nil, q.failed("what the resolver " + q.resolver + " sent is no answer to the question")
	}
	return reply, nil
}

// explain names the resolver, and keeps what must be told apart: the end of the attempt, a refusal
// by the policy, and silence, after which it is asked again.
func (q question) explain(ctx context.Context, err error) error {
	switch {
	case over(ctx) != nil:
		return errors.Join(over(ctx), err)
	case errors.Is(err, executor.ErrForbidden), timedOut(err):
		return err
	}
	return q.failed("the resolver " + q.resolver + " cannot be asked: " + executor.Explain(err, "before it answered").Error())
}

// addressesOf are the addresses of the name that was asked for, or of what it is an alias of.
func addressesOf(reply *dns.Msg, kind uint16) (found []netip.Addr) {
	name := reply.Question[0].Name
	for range maxChain {
		next := ""
		for _, record := range reply.Answer {
			alias, ok := record.(*dns.CNAME)
			if ok && strings.EqualFold(alias.Hdr.Name, name) {
				next = alias.Target
				break
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	for _, record := range reply.Answer {
		if len(found) == maxAddresses || !strings.EqualFold(record.Header().Name, name) {
			continue
		}
		var raw net.IP
		switch record := record.(type) {
		case *dns.A:
			raw = record.A.To4()
		case *dns.AAAA:
			raw = record.AAAA
		}
		if address, ok := netip.AddrFromSlice(raw); ok && record.Header().Rrtype == kind {
			found = append(found, address.Unmap())
		}
	}
	return found
}
