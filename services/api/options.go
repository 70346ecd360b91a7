package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// Bus is what an api needs of the message bus.
type Bus interface {
	bus.Commands
	bus.Store
	// Ingest is where heartbeats become results.
	bus.Ingest
	Events
	Results
	Live
	// Probe is bus.Bus's.
	Probe(ctx context.Context) error
}

// Events is the reading end of EVENTS.
type Events interface {
	// The four are bus.EventLog's.
	Follow(ctx context.Context, after uint64, filter bus.Filter, handle func([]monitor.EventMessage) error, caughtUp func()) error
	Read(ctx context.Context, after uint64, limit int, filter bus.Filter) ([]monitor.EventMessage, error)
	Last(ctx context.Context) (uint64, error)
	Latest(ctx context.Context, filter bus.Filter) (monitor.EventMessage, error)
}

// Results is the reading end of RESULTS.
type Results interface {
	// All are bus.ResultLog's.
	FollowResults(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error, caughtUp func()) error
	ReadResults(ctx context.Context, after uint64, limit int) ([]monitor.EventMessage, error)
	LastResult(ctx context.Context) (uint64, error)
	FirstResult(ctx context.Context) (uint64, error)
	ResultsSince(ctx context.Context, at time.Time) (uint64, error)
}

// Integrity tells whether EVENTS is as it was written.
type Integrity interface {
	// Integrity returns what the last verification found; not ok before the first.
	Integrity() (report chain.Report, ok bool)
	// Verify reads all of EVENTS and compares it with its chain and the heads expected.
	Verify(ctx context.Context, expect []chain.Head, progress func(done, total uint64)) (chain.Report, error)
}

// Live is the listening end of the live feed.
type Live interface {
	// The two are bus.Live's.
	OnResult(ctx context.Context, handle func(monitor.EventMessage)) (stop func(), err error)
	OnTest(ctx context.Context, executionID string, handle func(monitor.Result)) (stop func(), err error)
}

// Defaults and bounds.
const (
	DefaultAddress   = "127.0.0.1:8080"
	DefaultHeartbeat = 15 * time.Second
	DefaultStreams   = 1000
	DefaultWrites    = 256
	DefaultRuns      = 32
	// MinTokenLength is the least length of an admin token.
	MinTokenLength = 16
	// MaxBody is the most bytes of a request's body.
	MaxBody = 1 << 20
)

// Options configure an api. Zero fields take the defaults named here.
type Options struct {
	// Address to listen on, default 127.0.0.1:8080. Port 0 picks one. One that is not loopback needs
	// an AdminToken.
	Address string
	// AdminToken, when set, must come as a bearer token with every request to /api/v1 and /metrics.
	AdminToken string
	// Table holds the kinds of checks. Required.
	Table *executor.Table
	// Version is the program's, "0.1.0".
	Version string
	// Assets are the files of the built web interface, index.html at the root; nil serves none.
	Assets fs.FS
	// AsyncAPI is the AsyncAPI document in YAML; nil serves none.
	AsyncAPI []byte
	// Integrity tells whether EVENTS is as it was written; nil where nothing can, as in memory.
	Integrity Integrity
	// Backup is what backups are taken of; nil where there is nothing, as in memory.
	Backup archive.Source
	// Gatherer gives what /metrics shows; nil shows none. Registerer takes the api's own metrics.
	Gatherer   prometheus.Gatherer
	Registerer prometheus.Registerer
	// Log defaults to none, Now to time.Now.
	Log *slog.Logger
	Now func() time.Time
	// Listening is called with the address once the api listens.
	Listening func(net.Addr)
	// Heartbeat is the time between the comments that keep an idle event stream alive, default 15 s.
	Heartbeat time.Duration
	// MaxStreams bounds the clients of the event stream, default 1000; MaxWrites the writes in
	// flight, default 256; MaxRuns the executions waited for, default 32.
	MaxStreams, MaxWrites, MaxRuns int

	// dispatchWait is how long an execution may take beyond its own budget to come back, lonelyWait
	// the whole wait where no runner is known to be at work.
	dispatchWait, lonelyWait time.Duration
}

func (o Options) withDefaults() Options {
	if o.Address == "" {
		o.Address = DefaultAddress
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.dispatchWait == 0 {
		o.dispatchWait, o.lonelyWait = 5*time.Second, 3*time.Second
	}
	for field, value := range map[*int]int{&o.MaxStreams: DefaultStreams, &o.MaxWrites: DefaultWrites, &o.MaxRuns: DefaultRuns} {
		if *field == 0 {
			*field = value
		}
	}
	return o
}

func (o Options) validate() error {
	var all []error
	if o.Table == nil {
		all = append(all, errors.New("table of kinds: is required"))
	}
	if o.Heartbeat < 0 {
		all = append(all, fmt.Errorf("heartbeat %s: use a positive duration", o.Heartbeat))
	}
	if o.MaxStreams < 0 || o.MaxWrites < 0 || o.MaxRuns < 0 {
		all = append(all, errors.New("limits of streams, writes and runs: use positive numbers"))
	}
	host, _, err := net.SplitHostPort(o.Address)
	switch {
	case err != nil:
		all = append(all, fmt.Errorf("address %q: use HOST:PORT, such as %s", o.Address, DefaultAddress))
	case o.AdminToken == "" && !isLoopback(host):
		all = append(all, fmt.Errorf("address %s can be reached from other machines, where anybody could change checks: "+
			"set an admin token (VEDETTE_ADMIN_TOKEN or --admin-token), or listen on %s", o.Address, DefaultAddress))
	}
	if o.AdminToken != "" && (len(o.AdminToken) < MinTokenLength || strings.ContainsFunc(o.AdminToken, func(r rune) bool { return r <= ' ' || r > '~' })) {
		all = append(all, fmt.Errorf("admin token: use at least %d characters of printable ASCII without spaces, such as the output of openssl rand -hex 32", MinTokenLength))
	}
	return errors.Join(all...)
}

// isLoopback reports whether host, as it stands in an address or a Host header, is this machine.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
