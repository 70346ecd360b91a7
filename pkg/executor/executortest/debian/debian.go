// Package debian runs real servers from Debian's packages, so that kinds of checks are held to what is
// out there, not only to servers of this program's own making.
package debian

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process/programlog"
)

// requireVariable, set to "require", has a missing program fail the test instead of skipping it.
const requireVariable = "VEDETTE_SERVERS"

// Program returns the path of an installed program, of a package; without it the test is skipped, or
// fails where servers are required.
func Program(t testing.TB, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin"} { // not in everybody's PATH
		if err != nil {
			path, err = exec.LookPath(filepath.Join(folder, name))
		}
	}
	switch {
	case err == nil:
		return path
	case os.Getenv(requireVariable) == "require":
		t.Fatalf("%s is not installed: apt-get install %s", name, from)
	default:
		t.Skipf("%s is not installed: apt-get install %s", name, from)
	}
	return ""
}

// Run runs a program to its end and returns what it wrote.
func Run(t testing.TB, program string, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, arguments...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), "%s %v: %s%s", program, arguments, out.String(), errs.String())
	return out.String()
}

// Start starts a server, and returns once ready says so, asked some times a second. It is stopped when
// the test ends; what it wrote is shown when the test failed.
func Start(t testing.TB, ready func() bool, program string, arguments ...string) {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	var out programlog.Log
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = cmd.Wait()
	}()
	t.Cleanup(func() {
		stop(cmd, ended)
		if t.Failed() {
			t.Logf("%s: %s", program, out.String())
		}
	})
	const patience, pause = 30 * time.Second, 50 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ready(); <-tick.C {
		select {
		case <-ended:
			t.Fatalf("%s ended: %v: %s", program, failed, out.String())
		default:
		}
		require.True(t, time.Now().Before(deadline), "%s is not ready: %s", program, out.String())
	}
}

func stop(cmd *exec.Cmd, ended <-chan struct{}) {
	const grace = 5 * time.Second
	_ = cmd.Process.Signal(os.Interrupt)
	select {
	case <-ended:
	case <-time.After(grace):
		_ = cmd.Process.Kill()
		<-ended
	}
}
