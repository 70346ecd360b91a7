package kinds_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/grpccheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// serveHealth starts a server that is healthy, but for the service shop.Orders.
func serveHealth(t *testing.T, options ...grpc.ServerOption) string {
	t.Helper()
	return executortest.ServeGRPC(t, func(s *grpc.Server) {
		checks := health.NewServer()
		checks.SetServingStatus("shop.Carts", healthpb.HealthCheckResponse_SERVING)
		checks.SetServingStatus("shop.Orders", healthpb.HealthCheckResponse_NOT_SERVING)
		healthpb.RegisterHealthServer(s, checks)
	}, options...)
}

// wary lets nobody in without a token, and sends it back.
func wary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	received, _ := metadata.FromIncomingContext(ctx)
	if len(received["authorization"]) == 0 {
		return nil, status.Error(codes.Unauthenticated, "no token")
	}
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-token", received["authorization"][0]))
	return handle(ctx, request)
}

// serveFrames starts a server of HTTP/2 that says what it likes once it was asked.
func serveFrames(t *testing.T, say func(c net.Conn, frames *http2.Framer)) string {
	t.Helper()
	return executortest.ServeConns(t, func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		frames := http2.NewFramer(c, c)
		_ = frames.WriteSettings()
		for {
			frame, err := frames.ReadFrame()
			if err != nil {
				return
			}
			if data, ok := frame.(*http2.DataFrame); ok && data.StreamEnded() {
				break
			}
		}
		say(c, frames)
	})
}

// head is a block of headers as an answer begins with, and of more of them.
func head(more ...string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	fields := append([]string{":status", "200", "content-type", "application/grpc"}, more...)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return block.Bytes()
}

func grpcSubject() executortest.Subject {
	hostile := func(text string, say func(c net.Conn, frames *http2.Framer)) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			return executortest.Attack{Definition: monitor.Definition{Kind: "grpc", Target: serveFrames(t, say)}, Outcome: monitor.OutcomeFailure, Text: text}
		}
	}
	begin := func(frames *http2.Framer, end bool, more ...string) {
		_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head(more...), EndHeaders: true, EndStream: end})
	}
	forever := func(c net.Conn, raw []byte) {
		for {
			if _, err := c.Write(raw); err != nil {
				return
			}
		}
	}
	ping := append([]byte{0, 0, 8, 6, 0, 0, 0, 0, 0}, make([]byte, 8)...)
	settings := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
	return executortest.Subject{
		Network: executortest.TCP,
		Serve: func(t *testing.T) monitor.Definition {
			certificate, authority := executortest.Certificate(t)
			address := serveHealth(t, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
			return monitor.Definition{Kind: "grpc", Target: address, Options: executortest.Options(t, map[string]any{"tls": map[string]any{"enabled": true, "ca": authority}})}
		},
		At: func(address string) monitor.Definition { return monitor.Definition{Kind: "grpc", Target: address} },
		Echo: func(t *testing.T) (monitor.Definition, string) {
			return monitor.Definition{
				Kind: "grpc", Target: serveHealth(t, grpc.UnaryInterceptor(wary)), Options: []byte(`{"metadata":{"authorization":"secret://token"}}`),
				Assertions: []string{`metadata["x-token"] == "x"`, `metadata == {}`},
			}, `s3cret/"value" & more`
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			"endless pings":    hostile("more than 64 KiB", func(c net.Conn, _ *http2.Framer) { forever(c, bytes.Repeat(ping, 500)) }),
			"endless settings": hostile("more than 64 KiB", func(c net.Conn, _ *http2.Framer) { forever(c, bytes.Repeat(settings, 500)) }),
			"endless headers": hostile("", func(c net.Conn, frames *http2.Framer) {
				_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head()})
				// Made once: what this server allocates is counted, too.
				for block := head("x-a", strings.Repeat("a", 1000))[10:]; frames.WriteContinuation(1, false, block) == nil; {
					continue
				}
			}),
			"many headers": hostile("does not speak gRPC as it should", func(_ net.Conn, frames *http2.Framer) {
				var more []string
				for range 100 {
					more = append(more, "x-a", strings.Repeat("a", 300))
				}
				block := head(more...)
				_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:100]})
				_ = frames.WriteContinuation(1, true, block[100:min(len(block), 16<<10)])
			}),
			"large answer": hostile("the answer is larger than 16 KiB", func(_ net.Conn, frames *http2.Framer) {
				begin(frames, false)
				_ = frames.WriteData(1, false, append([]byte{0, 0x7f, 0xff, 0xff, 0xff}, make([]byte, 1000)...))
			}),
			"endless answer": hostile("", func(c net.Conn, frames *http2.Framer) {
				begin(frames, false)
				for chunk := make([]byte, 10<<10); frames.WriteData(1, false, chunk) == nil; {
					continue
				}
			}),
			"unending answer": hostile("timed out while waiting for the answer", func(_ net.Conn, frames *http2.Framer) { begin(frames, false) }),
			"no protobuf": hostile("the server answered Internal", func(_ net.Conn, frames *http2.Framer) {
				begin(frames, false)
				_ = frames.WriteData(1, true, []byte{0, 0, 0, 0, 2, 0xff, 0xff})
			}),
			"compressed answer": hostile("", func(_ net.Conn, frames *http2.Framer) {
				begin(frames, false, "grpc-encoding", "gzip")
				_ = frames.WriteData(1, true, []byte{1, 0, 0, 0, 1, 0})
			}),
			"going away": hostile("connection closed while waiting for the answer", func(_ net.Conn, frames *http2.Framer) { _ = frames.WriteGoAway(0, http2.ErrCodeNo, nil) }),
			"refusing":   hostile("", func(_ net.Conn, frames *http2.Framer) { _ = frames.WriteRSTStream(1, http2.ErrCodeRefusedStream) }),
		},
		BadTargets: []string{"https://example.org", "example.org", "example.org:0", ":443", "a b:443", "dns:///example.org"},
		BadOptions: map[string]string{
			`{"service":"a b"}`:                                      "options.service",
			`{"service":"secret://x"}`:                               "options.service",
			`{"authority":"a/b"}`:                                    "options.authority",
			`{"metadata":{"a b":"c"}}`:                               "options.metadata",
			`{"metadata":{"grpc-timeout":"1S"}}`:                     "options.metadata.grpc-timeout",
			`{"metadata":{"User-Agent":"x"}}`:                        "options.metadata.User-Agent",
			`{"metadata":{"A":"1","a":"2"}}`:                         "options.metadata.a",
			`{"metadata":{"a":"å"}}`:                                 "options.metadata.a",
			`{"tls":{"skip_verify":true}}`:                           "options.tls.enabled",
			`{"tls":{"enabled":true,"ca":"secret://ca"}}`:            "options.tls.ca",
			`{"tls":{"server_name":"a b"}}`:                          "options.tls.server_name",
			`{"tls":{"enabled":true,"certificate":"secret://c"}}`:    "options.tls.key",
			`{"tls":{"enabled":true,"key":"secret://key"}}`:          "options.tls.certificate",
			`{"tls":{"min_version":"1.3","max_version":"1.2"}}`:      "options.tls.max_version",
			`{"metadata":{"a":"` + strings.Repeat("a", 9000) + `"}}`: "options.metadata.a",
		},
	}
}

func TestPageOfGRPC(t *testing.T) {
	t.Parallel()
	certificate, authority := executortest.Certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	secured := serveHealth(t, grpc.Creds(credentials.NewTLS(config)), grpc.UnaryInterceptor(wary))
	plain := serveHealth(t)
	text := page(t, "grpc.md")
	requireNames(t, text, grpccheck.Executor{}.Kind())
	found := examples(t, text, "api.example.org:443", secured, "shop.example.org:50051", plain)
	require.Len(t, found, 3)
	for id, d := range found {
		var options map[string]any
		require.NoError(t, json.Unmarshal(d.Options, &options))
		if by, ok := options["tls"].(map[string]any); ok {
			by["ca"] = authority
		}
		d.Options = executortest.Options(t, options)
		found[id] = d
	}
	requireExamples(t, found, "VEDETTE_SECRET_API_TOKEN")

	silent := executortest.ServeConns(t, func(net.Conn) {})
	closing := executortest.ServeConns(t, executortest.HangUp)
	web := strings.TrimPrefix(executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {}), "http://")
	gateway := serveFrames(t, func(_ net.Conn, frames *http2.Framer) {
		var block bytes.Buffer
		_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "502"})
		_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	})
	at := func(target, options string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "grpc", Target: target, Options: []byte(options), Assertions: assertions}
	}
	kind := grpccheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{kind, at(plain, `{"service":"shop.Orders"}`), fails, "the status is NOT_SERVING, expected SERVING"},
		{kind, at(plain, `{"service":"shop.Gone"}`), fails, `the server does not know the service "shop.Gone"`},
		{kind, at(executortest.ServeGRPC(t, func(*grpc.Server) {}), `{}`), fails, "the server has no health service: unknown service grpc.health.v1.Health"},
		{kind, at(serveHealth(t, grpc.UnaryInterceptor(wary)), `{}`), fails, "the server answered Unauthenticated: no token"},
		{kind, at(plain, `{}`, "latency_ms < 0.0"), fails, "latency_ms < 0.0 · actual "},
		{kind, at(silent, `{}`), fails, "timed out while waiting for the answer"},
		{kind, at(closing, `{}`), fails, "connection closed while waiting for the answer"},
		{kind, at(web, `{}`), fails, "the server does not speak HTTP/2, which gRPC needs"},
		{kind, at(gateway, `{}`), fails, "the server does not speak gRPC: it answered HTTP status 502"},
		{kind, at(executortest.Closed(t, "tcp"), `{}`), fails, "connection refused: 127.0.0.1:"},
		{kind, at(secured, `{"tls":{"enabled":true}}`), fails, "certificate: signed by an authority that is not trusted"},
		{kind, at(plain, `{"tls":{"enabled":true}}`), fails, "the server does not speak TLS"},
		{kind, at(executortest.ServeTLS(t, config, nil), `{"tls":{"enabled":true,"skip_verify":true}}`), fails, "the server does not offer HTTP/2 by TLS, which gRPC needs"},
		{kind, at(plain, `{"metadata":{"authorization":"secret://nope"}}`), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{kind, at("169.254.169.254:443", `{}`), errs, "169.254.169.254 is link-local, which is never probed"},
		{kind, at(plain, `{}`), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
