package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process/programlog"
)

// build compiles the program into a folder of the test's.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "vedette")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/vedette/vedette/services/vedette").CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// server is a running Vedette with a folder and an address of its own.
type server struct {
	program, base string
	arguments     []string

	cmd  *exec.Cmd
	done chan struct{}
	log  programlog.Log
}

// serve starts `vedette up` and waits until it is ready.
func serve(t *testing.T, program string) *server {
	t.Helper()
	// The tests keep no data: they need not wait for the disk.
	return serveAs(t, program, "up", "--data", t.TempDir(), "--durability", "relaxed")
}

// serveDemo starts `vedette demo` and waits until it is ready.
func serveDemo(t *testing.T, program string) *server {
	t.Helper()
	return serveAs(t, program, "demo")
}

func serveAs(t *testing.T, program string, arguments ...string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	s := &server{program: program, arguments: append(arguments, "--http", address), base: "http://" + address}
	s.start(t)
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // gone already is as good
		<-s.done
		if t.Failed() {
			t.Logf("--- vedette %s:\n%s", s.arguments[0], s.log.Tail())
		}
	})
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.program, s.arguments...)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Env = &s.log, &s.log, os.Environ()
	s.done = make(chan struct{})
	require.NoError(t, s.cmd.Start())
	go func(cmd *exec.Cmd, done chan struct{}) {
		defer close(done)
		_ = cmd.Wait() // a killed process always reports an error
	}(s.cmd, s.done)
	require.Eventually(t, func() bool {
		status, _, err := s.ask(http.MethodGet, "/readyz", nil)
		return err == nil && status == http.StatusOK
	}, 30*time.Second, 25*time.Millisecond, "it is not ready")
}

// stop asks it to end, as an operator would.
func (s *server) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		t.Fatalf("it did not stop:\n%s", s.log.Tail())
	}
}

func (s *server) ask(method, path string, body any) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, reader)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// do makes a request of the API that must succeed.
func (s *server) do(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	status, raw, err := s.ask(method, "/api/v1"+path, body)
	require.NoError(t, err)
	require.Less(t, status, 300, "%s %s: %s", method, path, raw)
	answer := map[string]any{}
	if len(raw) > 0 {
		require.NoError(t, json.Unmarshal(raw, &answer))
	}
	return answer
}

// check registers an http check; more overrides the fields.
func (s *server) check(t *testing.T, id, service, target string, more map[string]any) {
	t.Helper()
	definition := map[string]any{"id": id, "name": id, "service": service, "kind": "http", "target": target, "interval": "1s"}
	maps.Copy(definition, more)
	s.do(t, http.MethodPost, "/checks", definition)
}

func (s *server) service(t *testing.T, id, name string) {
	t.Helper()
	s.do(t, http.MethodPost, "/services", map[string]any{"id": id, "name": name})
}

// site is what the checks look at: each path answers as told.
type site struct {
	base string

	mu    sync.Mutex
	paths map[string]behaviour
}

type behaviour struct {
	status int
	delay  func() time.Duration
	// once says that all is well again after one answer.
	once bool
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{paths: map[string]behaviour{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.base = "http://" + l.Addr().String()
	web := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(s.answer)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(l)
	}()
	t.Cleanup(func() {
		_ = web.Close()
		<-done
	})
	return s
}

func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	path := strings.Trim(r.URL.Path, "/")
	b, known := s.paths[path]
	if b.once {
		delete(s.paths, path)
	}
	s.mu.Unlock()
	if !known {
		b.status = http.StatusOK
	}
	if b.delay != nil {
		select {
		case <-time.After(b.delay()):
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(b.status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"queue":{"lag":0},"version":"1.4.2"}`, b.status)
}

func (s *site) set(path string, status int, delay func() time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = behaviour{status: status, delay: delay}
}

// failOnce has a path fail the next time, and then be well again.
func (s *site) failOnce(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths[path] = behaviour{status: http.StatusBadGateway, once: true}
}

func slow() time.Duration { return 120 * time.Millisecond }
