package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/programlog"
	"github.com/vedette/vedette/services/vedette/client"
)

// natsServer runs a NATS server in a process of its own, as anybody may have one, and returns its URL.
func natsServer(t *testing.T) (url string) {
	t.Helper()
	binary, folder := filepath.Join(t.TempDir(), "nats-server"), t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/nats-io/nats-server/v2").CombinedOutput()
	require.NoError(t, err, "%s", out)
	config := filepath.Join(folder, "nats.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
		host: 127.0.0.1, port: -1, ports_file_dir: %q
		authorization: {user: vedette, password: knock-knock}
		jetstream: {store_dir: %q, sync_interval: always, max_file_store: 64GB, max_memory_store: 512MB}
	`, folder, t.TempDir()), 0o600))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "-c", config)
	log := &programlog.Log{}
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("--- log of the NATS server:\n%s", log)
		}
	})
	var ports struct {
		NATS []string `json:"nats"`
	}
	require.Eventually(t, func() bool {
		found, err := filepath.Glob(filepath.Join(folder, "*.ports"))
		if err != nil || len(found) == 0 {
			return false
		}
		raw, err := os.ReadFile(found[0])
		return err == nil && json.Unmarshal(raw, &ports) == nil && len(ports.NATS) > 0
	}, patience, 20*time.Millisecond, "it does not listen")
	return strings.Replace(ports.NATS[0], "nats://", "nats://vedette:knock-knock@", 1)
}

// TestABackupGoesIntoAServerOfOnesOwn restores a backup into a NATS server of another process, over TCP
// and with a password, and has the parts of the program work on it: the same chain, and the same read
// models, byte for byte.
func TestABackupGoesIntoAServerOfOnesOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a NATS server")
	}
	original := t.TempDir()
	p := start(t, nil, "up", "--data", original, "--http", "127.0.0.1:0")
	watched := newTarget(t)
	c, err := client.New(p.base, "", "test")
	require.NoError(t, err)
	defer c.Close()
	create(t, p, "services", `{"id":"web"}`)
	create(t, p, "checks", `{"id":"home","service":"web","kind":"http","target":"`+watched.URL+`","interval":"1s"}`)
	awaitStatus(t, c, "home", monitor.StatusUp)
	code, _, errs := p.vedette(t, "check", "pause", "home")
	require.Zero(t, code, errs)
	require.Zero(t, p.stop()) // what is in hand is finished; nothing happens from here on
	p = start(t, nil, "up", "--data", original, "--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	dir := filepath.Join(t.TempDir(), "backup")
	code, _, errs = p.vedette(t, "backup", dir)
	require.Zero(t, code, errs)
	code, head, errs := p.vedette(t, "verify", "--head")
	require.Zero(t, code, errs)
	head = strings.TrimSpace(head)

	url := natsServer(t)
	limits := []string{"--max-events", "64MiB", "--max-results", "64MiB"}
	code, out, errs := run(t, nil, append([]string{"restore", dir, "--nats-url", url}, limits...)...)
	require.Zero(t, code, errs)
	require.Contains(t, out, head)
	code, _, errs = run(t, nil, append([]string{"restore", dir, "--nats-url", url}, limits...)...)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "into an empty server only")

	for _, part := range []string{"gate", "decider", "projector", "scheduler", "notifier"} {
		background(t, nil, discard{}, append([]string{part, "--nats-url", url}, limits...)...)
	}
	restored := start(t, nil, append([]string{"api", "--nats-url", url, "--http", "127.0.0.1:0"}, limits...)...)
	code, _, errs = restored.vedette(t, "verify", "--expect", head)
	require.Zero(t, code, errs)
	for begun := time.Now(); !maps.Equal(readModels(t, p.nats), readModels(t, url)) && time.Since(begun) < patience; {
		<-time.After(200 * time.Millisecond)
	}
	require.Equal(t, readModels(t, p.nats), readModels(t, url))
	code, _, errs = restored.vedette(t, "service", "add", "new")
	require.Zero(t, code, errs, "it is written to")
}
