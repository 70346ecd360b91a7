// Package crashtest kills the real program, as built, at any moment, and looks at what is left.
package crashtest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process/programlog"
)

// rounds is how often a test kills: a few by default, VEDETTE_CRASH_ROUNDS for more.
func rounds(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("VEDETTE_CRASH_ROUNDS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "VEDETTE_CRASH_ROUNDS")
	return n
}

// build compiles a package of this workspace into a folder of the test's.
func build(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	out, err := exec.Command("go", "build", "-o", program, pkg).CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// process is a running program whose output is kept for the case of failure.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{}
	log  programlog.Log
}

// start runs a program until it is killed, or the test ends.
func start(t *testing.T, name, program string, args ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.Env = append(os.Environ(), "VEDETTE_LOG_LEVEL=info")
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // a killed process always reports an error
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("--- %s:\n%s", name, p.log.Tail())
		}
	})
	return p
}

// kill is kill -9: no handler runs.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // gone already is as good
	<-p.done
}

// stop asks it to end, as an operator would.
func (p *process) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.done:
		require.Zero(t, p.cmd.ProcessState.ExitCode(), p.log.Tail())
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not stop:\n%s", p.name, p.log.Tail())
	}
}

// freePort returns a loopback port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().(*net.TCPAddr).Port
}

// awaitReady waits until the API at base says that it is ready.
func awaitReady(t *testing.T, base string, p *process) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		status, err := get(ctx, base+"/readyz")
		cancel()
		if err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-p.done:
			t.Fatalf("%s ended before it was ready:\n%s", p.name, p.log.Tail())
		case <-deadline:
			t.Fatalf("%s is not ready (status %d, error %v):\n%s", p.name, status, err, p.log.Tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// target is what the checks look at: it fails or succeeds as told.
func target(t *testing.T) (url string, setStatus func(int)) {
	t.Helper()
	var mu sync.Mutex
	status := http.StatusOK
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return fmt.Sprintf("http://%s/", l.Addr()), func(s int) {
		mu.Lock()
		defer mu.Unlock()
		status = s
	}
}
