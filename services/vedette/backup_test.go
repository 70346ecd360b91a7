package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/programlog"
	vedette "github.com/vedette/vedette/services/vedette"
	"github.com/vedette/vedette/services/vedette/client"
)

// readModels are the values of all read models, by bucket and key, but of those that count runners, who
// come and go with the program.
func readModels(t *testing.T, address string) map[string]string {
	t.Helper()
	conn, err := nats.Connect(address)
	require.NoError(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	all := make(map[string]string)
	names := js.StreamNames(t.Context())
	for name := range names.Name() {
		bucket, isBucket := strings.CutPrefix(name, "KV_vedette_")
		if !isBucket || slices.Contains([]string{"leases", "outcomes", "probe", "integrity", "chain", "notifier", "snapshots", "schedule", "generations", "runners", "overview"}, bucket) {
			continue
		}
		stream, err := js.Stream(t.Context(), name)
		require.NoError(t, err)
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		require.NoError(t, err)
		for subject := range info.State.Subjects {
			if strings.HasSuffix(subject, ".checkpoint") || strings.Contains(subject, ".runner-") {
				continue
			}
			m, err := stream.GetLastMsgForSubject(t.Context(), subject)
			require.NoError(t, err)
			all[subject] = fmt.Sprintf("%q", m.Data)
		}
	}
	require.NoError(t, names.Err())
	return all
}

// TestABackupBringsEverythingBack takes a backup of a program at work and puts it into an empty folder:
// the same chain, and the same read models, byte for byte.
func TestABackupBringsEverythingBack(t *testing.T) {
	original := t.TempDir()
	p := start(t, nil, "up", "--data", original, "--http", "127.0.0.1:0")
	watched := newTarget(t)
	c, err := client.New(p.base, "", "test")
	require.NoError(t, err)
	defer c.Close()
	create(t, p, "services", `{"id":"web"}`)
	create(t, p, "checks", `{"id":"home","service":"web","kind":"http","target":"`+watched.URL+`","interval":"1s"}`)
	create(t, p, "checks", `{"id":"other","service":"web","kind":"http","target":"`+watched.URL+`","interval":"1s"}`)
	awaitStatus(t, c, "home", monitor.StatusUp)
	watched.status.Store(http.StatusServiceUnavailable)
	awaitStatus(t, c, "home", monitor.StatusDown)
	watched.status.Store(http.StatusOK)
	awaitStatus(t, c, "home", monitor.StatusUp)

	online := filepath.Join(t.TempDir(), "online")
	code, out, errs := p.vedette(t, "backup", online)
	require.Zero(t, code, errs)
	require.Contains(t, out, "head")
	for _, id := range []string{"home", "other"} {
		code, _, errs := p.vedette(t, "check", "pause", id)
		require.Zero(t, code, errs)
	}
	require.Zero(t, p.stop()) // what is in hand is finished; nothing happens from here on
	p = start(t, nil, "up", "--data", original, "--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	dir := filepath.Join(t.TempDir(), "backup")
	code, _, errs = p.vedette(t, "backup", dir)
	require.Zero(t, code, errs)
	code, head, errs := p.vedette(t, "verify", "--head")
	require.Zero(t, code, errs)
	code, _, errs = p.vedette(t, "backup", dir)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "the folder is not empty")

	data := t.TempDir()
	code, out, errs = run(t, nil, "restore", dir, "--data", data)
	require.Zero(t, code, errs)
	require.Contains(t, out, strings.TrimSpace(head))
	code, _, errs = run(t, nil, "restore", online, "--data", data)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "into an empty server only")
	restored := start(t, nil, "up", "--data", data, "--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	code, _, errs = restored.vedette(t, "verify", "--expect", strings.TrimSpace(head))
	require.Zero(t, code, errs)
	for begun := time.Now(); !maps.Equal(readModels(t, p.nats), readModels(t, restored.nats)) && time.Since(begun) < patience; {
		<-time.After(200 * time.Millisecond)
	}
	require.Equal(t, readModels(t, p.nats), readModels(t, restored.nats))
	code, _, errs = restored.vedette(t, "service", "add", "new")
	require.Zero(t, code, errs, "it is written to")
	require.Zero(t, restored.stop())

	code, out, errs = run(t, nil, "restore", online, "--data", t.TempDir())
	require.Zero(t, code, errs)
	require.Contains(t, out, "events", "what was taken while results came is whole")
	require.Zero(t, p.stop())
}

func TestABackupGoesThroughPipes(t *testing.T) {
	p := up(t)
	create(t, p, "services", `{"id":"web"}`)
	code, archive, errs := p.vedette(t, "backup", "-", "--without-results")
	require.Zero(t, code, errs)
	require.Contains(t, errs, "head", "people are told beside it")
	restore := func(in, data string) (code int, out, errs string) {
		var stdout, stderr programlog.Log
		code = vedette.Run(t.Context(), vedette.Program{
			Args: []string{"restore", "-", "--data", data}, In: strings.NewReader(in), Out: &stdout, Err: &stderr, Env: environment(), Exit: func(int) {},
		})
		return code, stdout.String(), stderr.String()
	}
	data := t.TempDir()
	code, _, errs = restore(archive[:len(archive)-2048], data)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "the backup is incomplete")
	code, _, errs = restore("PK", data)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "it is no backup that this version can read")
	code, _, errs = restore(archive, data)
	require.Zero(t, code, errs)
	q := start(t, nil, "up", "--data", data, "--http", "127.0.0.1:0")
	code, out, errs := q.vedette(t, "service", "ls")
	require.Zero(t, code, errs)
	require.Contains(t, out, "web")
	code, _, errs = run(t, nil, "restore", t.TempDir(), "--data", t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, errs, "it is no backup")
	_, err := os.Stat(data)
	require.NoError(t, err)
}

// A restore that was killed leaves half of a log: nothing starts on that.
func TestNothingStartsOnHalfARestore(t *testing.T) {
	data := t.TempDir()
	p := start(t, nil, "up", "--data", data, "--http", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0")
	conn, err := nats.Connect(p.nats)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Request("$KV.vedette_integrity.restore", []byte("begun"), 5*time.Second)
	require.NoError(t, err)
	require.Zero(t, p.stop())
	code, _, errs := run(t, nil, "up", "--data", data, "--http", "127.0.0.1:0")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "run vedette restore again")
}
