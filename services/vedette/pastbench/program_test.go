package pastbench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process/programlog"
)

// program is Vedette as built, run on a data folder.
type program struct {
	binary, base string

	cmd  *exec.Cmd
	done chan struct{}
	log  programlog.Log
}

func build(b *testing.B) *program {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "vedette")
	out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, "github.com/vedette/vedette/services/vedette").CombinedOutput()
	require.NoError(b, err, string(out))
	return &program{binary: binary}
}

// serve starts the program and waits until its read models are built.
func (v *program) serve(b *testing.B, data string) *program {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address := l.Addr().String()
	require.NoError(b, l.Close())
	v.base = "http://" + address
	v.cmd = exec.Command(v.binary, "up", "--data", data, "--http", address, "--durability", "relaxed", "--log-level", "warn")
	v.cmd.Stdout, v.cmd.Stderr, v.cmd.Env = &v.log, &v.log, os.Environ()
	v.done = make(chan struct{})
	require.NoError(b, v.cmd.Start())
	go func() {
		defer close(v.done)
		_ = v.cmd.Wait() // a killed process always reports an error
	}()
	b.Cleanup(func() {
		_ = v.cmd.Process.Kill() // gone already is as good
		<-v.done
		if b.Failed() {
			b.Logf("--- vedette up:\n%s", v.log.Tail())
		}
	})
	require.Eventually(b, func() bool { return v.isBuilt(b.Context()) }, 10*time.Minute, 100*time.Millisecond, "the read models are not built")
	v.awaitRest(b)
	return v
}

// awaitRest waits until the program takes less than a quarter of a processor: when it has started it verifies
// what it holds.
func (v *program) awaitRest(b *testing.B) {
	b.Helper()
	const tick = time.Second
	for deadline := time.Now().Add(2 * time.Minute); ; {
		before := v.worked(b)
		time.Sleep(tick)
		if v.worked(b)-before < tick/4 {
			return
		}
		require.True(b, time.Now().Before(deadline), "the program does not rest")
	}
}

// worked is how much processor time the program has had.
func (v *program) worked(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", v.cmd.Process.Pid))
	require.NoError(b, err)
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	var ticks time.Duration
	for _, field := range fields[11:13] { // of user and system, in hundredths of a second
		n, err := strconv.Atoi(field)
		require.NoError(b, err)
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}

// isBuilt reports whether all read models have folded all that was.
func (v *program) isBuilt(ctx context.Context) bool {
	var page struct {
		Items []struct {
			Name       string `json:"name"`
			Events     uint64 `json:"events"`
			Rebuilding bool   `json:"rebuilding"`
		} `json:"items"`
	}
	raw, err := v.ask(ctx, http.MethodGet, "/api/v1/projections", nil)
	if err != nil || json.Unmarshal(raw, &page) != nil || len(page.Items) == 0 {
		return false
	}
	var events uint64
	for _, one := range page.Items {
		events = max(events, one.Events)
	}
	for _, one := range page.Items {
		ofResults := slices.Contains([]string{"activity", "history", "traces"}, one.Name)
		if one.Rebuilding || events == 0 || (!ofResults && one.Events < events) {
			return false
		}
	}
	return true
}

func (v *program) stop(b *testing.B) {
	b.Helper()
	require.NoError(b, v.cmd.Process.Signal(syscall.SIGTERM))
	<-v.done
}

// ask makes a request that must be answered well.
func (v *program) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, v.base+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "/replays") {
		request.Header.Set("Accept", "text/event-stream")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %.500s", method, path, response.Status, answer)
	}
	return answer, err
}

// timed asks over and over and returns how long each took, in milliseconds.
func (v *program) timed(b *testing.B, n int, path func(i int) string) (took []float64) {
	b.Helper()
	for i := range n {
		begun := time.Now()
		_, err := v.ask(b.Context(), http.MethodGet, path(i), nil)
		require.NoError(b, err)
		took = append(took, milliseconds(time.Since(begun)))
	}
	return took
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// report writes the median and the 99th percentile of what something took.
func report(b *testing.B, what string, took []float64) {
	b.Helper()
	slices.Sort(took)
	at := func(q float64) float64 { return took[min(len(took)-1, int(q*float64(len(took))))] }
	b.ReportMetric(at(0.5), what+"-p50-ms")
	b.ReportMetric(at(0.99), what+"-p99-ms")
}
