package pastbench_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
)

// past is a data folder with what was.
type past struct {
	folder string
	fleet  *fleet
	// Events is how many there are, Results the message of RESULTS up to which there are traces.
	Events  uint64    `json:"events"`
	Results uint64    `json:"results"`
	End     time.Time `json:"end"`
}

// prepare makes the folder, or takes that of VEDETTE_BENCH_FOLDER, where it is made only once.
func prepare(b *testing.B) *past {
	b.Helper()
	folder := os.Getenv("VEDETTE_BENCH_FOLDER")
	if folder == "" {
		folder = b.TempDir()
	}
	p := &past{folder: filepath.Join(folder, "data")}
	made := filepath.Join(folder, "made.json")
	if raw, err := os.ReadFile(made); err == nil {
		require.NoError(b, json.Unmarshal(raw, p))
		p.fleet = newFleet(p.End)
		return p
	}
	begun := time.Now()
	p.End = begun.UTC().Truncate(time.Minute)
	p.fleet = newFleet(p.End)
	p.onServer(b, func(bus *jetstream.Bus, server *embedded.Server) {
		require.NoError(b, bus.EnsureTopology(b.Context()))
		p.Events = writeEvents(b, p.fleet, bus)
		b.Logf("%d events written after %s", p.Events, time.Since(begun))
		p.Results = writeTraces(b, p.fleet, bus)
		b.Logf("traces written after %s", time.Since(begun))
		beginResultsAfter(b, server, p.Results)
	})
	begun = time.Now()
	build(b).serve(b, p.folder).stop(b)
	b.Logf("the program folded the events within %s", time.Since(begun))
	raw, err := json.Marshal(p)
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(made, raw, 0o600))
	return p
}

// onServer runs the program's NATS server on the folder, without the program.
func (p *past) onServer(b *testing.B, do func(*jetstream.Bus, *embedded.Server)) {
	b.Helper()
	log := slog.New(slog.NewTextHandler(b.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := embedded.Start(embedded.Config{Dir: p.folder, Locations: []string{"default"}, Relaxed: true, Log: log})
	require.NoError(b, err)
	user, password := server.User()
	bus, err := jetstream.Connect(b.Context(), jetstream.Config{Server: jetstream.Server{InProcess: server, User: user, Password: password, Name: b.Name()}, Log: log})
	require.NoError(b, err)
	do(bus, server)
	bus.Close()
	require.NoError(b, server.Stop())
}

// beginResultsAfter has RESULTS, which is empty, go on after the results that traces are kept of.
func beginResultsAfter(b *testing.B, server *embedded.Server, last uint64) {
	b.Helper()
	user, password := server.User()
	nc, err := nats.Connect("", nats.InProcessServer(server), nats.UserInfo(user, password))
	require.NoError(b, err)
	defer nc.Close()
	js, err := natsjs.New(nc)
	require.NoError(b, err)
	results, err := js.Stream(b.Context(), "RESULTS")
	require.NoError(b, err)
	require.NoError(b, results.Purge(b.Context(), natsjs.WithPurgeSequence(last+1)))
	info, err := results.Info(b.Context())
	require.NoError(b, err)
	require.Equal(b, last, info.State.LastSeq)
}
