package grpccheck_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/grpccheck"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	succeeds = monitor.OutcomeSuccess
	fails    = monitor.OutcomeFailure
	errs     = monitor.OutcomeError
)

func execute(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	return executeKnowing(t, map[string]string{"VEDETTE_SECRET_TOKEN": "t0ken"}, target, options, assertions...)
}

func executeKnowing(t *testing.T, known map[string]string, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "grpc", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(2 * time.Second)}
	engine := executortest.Engine(t, []executor.Executor{grpccheck.Executor{}}, func(env *executor.Environment) {
		env.Secrets = secrets.Source{Env: func(name string) (string, bool) {
			value, ok := known[name]
			return value, ok
		}}
	})
	return engine.Execute(t.Context(), executortest.Execution(d))
}

// serve starts a server that is healthy, but for the service shop.Orders.
func serve(t *testing.T, options ...grpc.ServerOption) string {
	t.Helper()
	return executortest.ServeGRPC(t, func(s *grpc.Server) {
		checks := health.NewServer()
		checks.SetServingStatus("shop.Orders", healthpb.HealthCheckResponse_NOT_SERVING)
		healthpb.RegisterHealthServer(s, checks)
	}, options...)
}

// answering is a health service of one answer.
type answering struct {
	healthpb.UnimplementedHealthServer
	check func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error)
}

func (a answering) Check(ctx context.Context, q *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return a.check(ctx, q)
}

func serveAnswer(t *testing.T, check func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error)) string {
	t.Helper()
	return executortest.ServeGRPC(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, answering{check: check}) })
}

func refuse(code codes.Code, text string) func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		return nil, status.Error(code, text)
	}
}

func TestHealth(t *testing.T) {
	healthy := serve(t)
	bare := executortest.ServeGRPC(t, func(*grpc.Server) {})
	silent := executortest.ServeConns(t, func(net.Conn) {})
	closing := executortest.ServeConns(t, executortest.HangUp)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	service := func(name string) map[string]any { return map[string]any{"service": name} }
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"healthy": {healthy, nil, []string{
			`status == "SERVING"`, `tls_version == ""`, "certificate == {}", `ip == "127.0.0.1"`, `metadata["content-type"] == "application/grpc"`,
			"timings.first_byte_ms > 0.0 && timings.tls_ms == 0.0", `latency < duration("1s") && latency_ms > 0.0`,
		}, succeeds, ""},
		"ill service":       {healthy, service("shop.Orders"), nil, fails, "the status is NOT_SERVING, expected SERVING"},
		"ill, as expected":  {healthy, map[string]any{"service": "shop.Orders", "status": "NOT_SERVING"}, nil, succeeds, ""},
		"unknown service":   {healthy, service("shop.Gone"), nil, fails, `the server does not know the service "shop.Gone"`},
		"no health service": {bare, nil, nil, fails, "the server has no health service: unknown service grpc.health.v1.Health"},
		"assertion":         {healthy, nil, []string{`status == "UNKNOWN"`}, fails, `status == "UNKNOWN" · actual "SERVING"`},
		"not permitted":     {serveAnswer(t, refuse(codes.PermissionDenied, "go away")), nil, nil, fails, "the server answered PermissionDenied: go away"},
		"overloaded":        {serveAnswer(t, refuse(codes.Unavailable, "draining")), nil, nil, fails, "the server answered Unavailable: draining"},
		"without a word":    {serveAnswer(t, refuse(codes.Aborted, "")), nil, nil, fails, "the server answered Aborted"},
		"late":              {serveAnswer(t, refuse(codes.DeadlineExceeded, "context deadline exceeded")), nil, nil, fails, "timed out while waiting for the answer"},
		"silent":            {silent, nil, nil, fails, "timed out while waiting for the answer"},
		"silent, by TLS":    {silent, map[string]any{"tls": map[string]any{"enabled": true}}, nil, fails, "timed out during the TLS handshake"},
		"closing":           {closing, nil, nil, fails, "connection closed while waiting for the answer"},
		"HTTP/1.1":          {web.Listener.Addr().String(), nil, nil, fails, "the server does not speak HTTP/2, which gRPC needs"},
		"nobody":            {executortest.Closed(t, "tcp"), nil, nil, fails, "connection refused: 127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, tc.target, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			require.NotContains(t, r.Error, "deadline exceeded")
		})
	}
}

func TestMetadata(t *testing.T) {
	address := serveAnswer(t, func(ctx context.Context, q *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		received, _ := metadata.FromIncomingContext(ctx)
		if strings.Join(received["authorization"], "") != "Bearer t0ken" {
			return nil, status.Error(codes.Unauthenticated, "who are you?")
		}
		if received["x-raw-bin"][0] != "å\n" {
			return nil, status.Error(codes.InvalidArgument, "not as it was sent")
		}
		return &healthpb.HealthCheckResponse{Status: 77}, nil
	})
	sent := map[string]string{"Authorization": "Bearer secret://token", "x-raw-bin": "å\n"}
	r := execute(t, address, map[string]any{"metadata": sent, "authority": "api.example.org:443"}, "true")
	require.Equal(t, fails, r.Outcome)
	require.Equal(t, "the status is 77, expected SERVING", r.Error)

	r = execute(t, address, nil)
	require.Equal(t, "the server answered Unauthenticated: who are you?", r.Error)
	r = execute(t, address, map[string]any{"metadata": map[string]string{"authorization": "secret://nope"}})
	require.Equal(t, errs, r.Outcome)
	require.Contains(t, r.Error, "VEDETTE_SECRET_NOPE")
	r = executeKnowing(t, map[string]string{"VEDETTE_SECRET_TOKEN": "a\r\nb"}, address, map[string]any{"metadata": sent})
	require.Equal(t, errs, r.Outcome)
	require.Contains(t, r.Error, "the metadata Authorization is not of printable ASCII")

	echo := serveAnswer(t, func(ctx context.Context, q *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		received, _ := metadata.FromIncomingContext(ctx)
		_ = grpc.SetHeader(ctx, metadata.Pairs("x-name", received[":authority"][0], "x-agent", received["user-agent"][0]))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-end", "1", "x-end", "2"))
		return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
	})
	r = execute(t, echo, map[string]any{"authority": "api.example.org:443"}, `metadata["x-name"] == "api.example.org:443"`, `metadata["x-end"] == "1, 2"`, `metadata["x-agent"].startsWith("Vedette")`)
	require.Equal(t, succeeds, r.Outcome, r.Error)
	r = execute(t, echo, nil, `metadata["x-name"] == "`+echo+`"`)
	require.Equal(t, succeeds, r.Outcome, r.Error)
}

func TestTLS(t *testing.T) {
	certificate, authority := executortest.Certificate(t, func(c *x509.Certificate) {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	})
	raw, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	clients := x509.NewCertPool()
	require.True(t, clients.AppendCertsFromPEM([]byte(authority)))
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	mutual := &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	secured, both := serve(t, grpc.Creds(credentials.NewTLS(config))), serve(t, grpc.Creds(credentials.NewTLS(mutual)))
	web := executortest.ServeTLS(t, config, nil)
	options := func(more ...string) map[string]any {
		o := map[string]any{"enabled": true, "ca": authority}
		for i := 0; i < len(more); i += 2 {
			o[more[i]] = more[i+1]
		}
		return map[string]any{"tls": o}
	}
	good := []string{`tls_version == "TLS 1.3"`, `certificate.subject == "CN=test"`, `certificate.expires_in > duration("20m")`, "timings.tls_ms > 0.0"}
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"trusted":               {secured, options(), good, succeeds, ""},
		"untrusted":             {secured, map[string]any{"tls": map[string]any{"enabled": true}}, nil, fails, "certificate: signed by an authority that is not trusted"},
		"another name":          {secured, options("server_name", "other.test"), nil, fails, "certificate: x509: certificate is valid for localhost, example.org, not other.test"},
		"named":                 {secured, options("server_name", "example.org"), good, succeeds, ""},
		"anyone":                {secured, map[string]any{"tls": map[string]any{"enabled": true, "skip_verify": true}}, good, succeeds, ""},
		"old":                   {secured, options("max_version", "1.2"), []string{`tls_version == "TLS 1.2"`}, succeeds, ""},
		"client's own":          {both, options("certificate", authority, "key", "secret://key"), good, succeeds, ""},
		"client's own, missing": {both, options(), nil, fails, "tls: certificate required"},
		"no pair":               {both, options("certificate", authority, "key", "secret://other"), nil, errs, "certificate and key of tls are no pair"},
		"plain text to TLS":     {secured, nil, nil, fails, "connection closed"},
		"TLS to plain text":     {serve(t), options(), nil, fails, "the server does not speak TLS"},
		"no HTTP/2":             {web, options(), nil, fails, "the server does not offer HTTP/2 by TLS, which gRPC needs"},
	} {
		t.Run(name, func(t *testing.T) {
			r := executeKnowing(t, map[string]string{"VEDETTE_SECRET_KEY": key, "VEDETTE_SECRET_OTHER": "x"}, tc.target, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}

// What goes over the wire is compressed by HTTP/2, so that it is told in other words.
func TestWireLog(t *testing.T) {
	address := serve(t)
	d := monitor.Definition{
		Kind: "grpc", Target: address, Timeout: monitor.Duration(2 * time.Second),
		Options: executortest.Options(t, map[string]any{"service": "shop.Orders", "metadata": map[string]string{"authorization": "Bearer secret://token"}}),
	}
	e := executortest.Execution(d)
	e.Trigger = monitor.TriggerTest
	r := executortest.Engine(t, []executor.Executor{grpccheck.Executor{}}, func(env *executor.Environment) {
		env.Secrets = secrets.Source{Env: func(string) (string, bool) { return "t0ken-of-some-length", true }}
	}).Execute(t.Context(), e)
	var told []string
	for _, entry := range r.Wire {
		told = append(told, entry.What+" "+entry.Text)
	}
	require.Contains(t, told, "sent /grpc.health.v1.Health/Check service \"shop.Orders\"\nauthorization: Bearer •••\n")
	require.Contains(t, told, "received content-type: application/grpc\nstatus NOT_SERVING")
	require.NotContains(t, strings.Join(told, ""), "PRI * HTTP/2.0")
}
