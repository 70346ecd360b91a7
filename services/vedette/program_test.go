package main_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/process/programlog"
	vedette "github.com/vedette/vedette/services/vedette"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp keeps the time for all its servers, for ever, and looks for idle workers every ten seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// A NATS server that is stopped while a stream is being made leaves these behind.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

// environment is a lookup of nothing but what is given, as NAME=value.
func environment(values ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range values {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr programlog.Log
	code = vedette.Run(t.Context(), vedette.Program{
		Args: args, In: strings.NewReader(""), Out: &stdout, Err: &stderr, Env: environment(env...),
		Exit: func(int) { panic("a second signal in a test") },
	})
	return code, stdout.String(), stderr.String()
}

// program is the whole program, running in this process.
type program struct {
	base string // of the API
	nats string // of the embedded server, where it listens
	log  *programlog.Log
	stop func() int // ends it and returns its exit code; safe to repeat
}

// start runs the program until the test ends, and returns when its API is ready.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := launch(t, env, args...)
	require.Eventually(t, func() bool {
		response, err := http.Get(p.base + "/readyz")
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, response.Body)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond, "it is never ready")
	return p
}

// launch runs a part that announces an API, or none when wait is not for it.
func launch(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	reading, writing := io.Pipe()
	p := background(t, env, writing, args...)
	announced := make(chan [2]string, 1)
	go func() {
		var found [2]string
		for lines := bufio.NewScanner(reading); lines.Scan(); {
			if m := regexp.MustCompile(`^  API\s+(http://\S+)/api/v1$`).FindStringSubmatch(lines.Text()); m != nil {
				found[0] = m[1]
			}
			if m := regexp.MustCompile(`^  NATS\s+(nats://\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
				found[1] = m[1]
			}
			if lines.Text() == "" && found[0] != "" {
				announced <- found
			}
		}
	}()
	select {
	case found := <-announced:
		p.base, p.nats = found[0], found[1]
	case <-time.After(20 * time.Second):
		t.Fatalf("it says nothing of its API:\n%s", p.log)
	}
	return p
}

// background runs the program in a goroutine until the test ends.
func background(t *testing.T, env []string, out io.WriteCloser, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{log: &programlog.Log{}}
	ended := make(chan int, 1)
	go func() {
		code := vedette.Run(ctx, vedette.Program{
			Args: args, In: strings.NewReader(""), Out: out, Err: p.log, Env: environment(env...), Exit: func(int) {},
		})
		_ = out.Close() // an io.PipeWriter's never fails
		ended <- code
	}()
	p.stop = sync.OnceValue(func() int {
		cancel()
		select {
		case code := <-ended:
			return code
		case <-time.After(40 * time.Second):
			t.Errorf("it does not stop:\n%s", p.log)
			return -1
		}
	})
	t.Cleanup(func() {
		p.stop()
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Logf("--- log of %v:\n%s", args, p.log)
		}
	})
	return p
}

// up starts all of it in a folder of the test's.
func up(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, nil, append([]string{"up", "--data", t.TempDir(), "--http", "127.0.0.1:0"}, args...)...)
}

// vedette runs a client command against the program.
func (p *program) vedette(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	return run(t, []string{"VEDETTE_SERVER=" + p.base}, args...)
}
