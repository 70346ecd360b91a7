package executortest

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"
)

// ServeHTTP3 starts an HTTP/3 server with a certificate, and returns its URL, without a final slash.
func ServeHTTP3(t testing.TB, certificate tls.Certificate, handler http.HandlerFunc) string {
	t.Helper()
	return ServeHTTP3At(t, "127.0.0.1:0", certificate, handler)
}

// ServeHTTP3At is ServeHTTP3 at an address.
func ServeHTTP3At(t testing.TB, address string, certificate tls.Certificate, handler http.HandlerFunc) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", address)
	require.NoError(t, err)
	server := &http3.Server{
		Handler:   handler,
		TLSConfig: http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(packets)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = packets.Close()
		<-done
	})
	return "https://" + packets.LocalAddr().String()
}
