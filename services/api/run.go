package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// drainTimeout is how long requests in flight may take after Run was told to stop.
const drainTimeout = 8 * time.Second

// Run serves until ctx ends, then ends event streams at once, answers what is in flight and returns
// nil. Errors: bad options, before it listens; the address is taken; the read models' buckets cannot
// be opened.
func Run(ctx context.Context, b Bus, opt Options) error {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return fmt.Errorf("api options: %w", err)
	}
	metrics, err := newMetrics(opt.Registerer)
	if err != nil {
		return fmt.Errorf("api metrics: %w", err)
	}
	reader := readmodel.NewReader(b, opt.Log, opt.Now)
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s := newServer(opt, metrics)
	group, running := errgroup.WithContext(ctx)
	s.begins = &begins{store: b}
	s.bus, s.reads, s.past, s.board, s.ready, s.work, s.stopping = b, reader, reader, reader, reader.Ready(), work, running
	s.horizon = s.newHorizon()
	s.events, s.results = newEventTail(b, opt.Log), newResultTail(b, opt.Log)
	s.viewers = newBoardFeed(reader.FollowBoard)
	app, err := s.app() //nolint:contextcheck // requests live as long as work
	if err != nil {
		return fmt.Errorf("api routes: %w", err)
	}
	var config net.ListenConfig
	plain, err := config.Listen(ctx, "tcp", opt.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", opt.Address, err)
	}
	connections := newListener(plain)
	if opt.Listening != nil {
		opt.Listening(plain.Addr())
	}
	opt.Log.Info("api started", "address", plain.Addr().String(), "token", opt.AdminToken != "")

	// What requests in flight wait for goes on until they are answered.
	group.Go(func() error { return untilEnd(work, reader.Run) })
	group.Go(func() error { return untilEnd(work, s.events.run) })
	group.Go(func() error { return untilEnd(work, s.results.run) })
	group.Go(func() error { return untilEnd(work, s.viewers.run) })
	group.Go(func() error { return app.Listener(connections) })
	group.Go(func() error {
		defer end()
		<-running.Done()
		draining, cancel := context.WithTimeout(work, drainTimeout)
		defer cancel()
		err := app.ShutdownWithContext(draining)
		// Told to stop before it served, Fiber does not know the listener yet. Closed already is as good.
		_ = plain.Close()
		connections.closeAll()
		if errors.Is(err, context.DeadlineExceeded) {
			opt.Log.Warn("requests were cut off: they did not end in time", "within", drainTimeout)
			err = nil
		}
		return err
	})
	err = group.Wait()
	opt.Log.Info("api stopped")
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	return nil
}

func untilEnd(ctx context.Context, run func(context.Context) error) error {
	err := run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func newServer(opt Options, m *metrics) *server {
	return &server{
		opt: opt, metrics: m, log: opt.Log, now: opt.Now, started: opt.Now().UTC(),
		writes: make(slots, opt.MaxWrites), runs: make(slots, opt.MaxRuns), streams: make(slots, opt.MaxStreams),
		replays: make(slots, maxReplays), verifications: make(slots, 1), backups: make(slots, 1), beats: make(slots, maxBeats),
		dues:   dues{last: make(map[string]time.Time)},
		engine: executor.NewEngine(opt.Table, executor.Environment{Runner: monitor.HeartbeatRunner, Now: opt.Now, Log: opt.Log}),
	}
}
