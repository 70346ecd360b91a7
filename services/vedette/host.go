package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/bus/jetstream/embedded"
	"github.com/vedette/vedette/pkg/bus/middleware"
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/runner"
)

// host is what parts run in: the settings, the connections, the log, the metrics.
type host struct {
	settings
	program Program
	build   process.Build
	// id names this process to the others.
	id       string
	log      *slog.Logger
	registry *prometheus.Registry
	table    *executor.Table

	server *embedded.Server // nil with a server of the operator's
	bus    *jetstream.Bus
	// messages is bus with logging, metrics and tracing around its commands.
	messages  bus.Bus
	runnerBus *jetstream.RunnerBus
	// announce is told where the API listens.
	announce func(net.Addr)
	// furnish, when set, fills the logs before anything else begins.
	furnish func(context.Context) error
}

func (p Program) newHost(s settings) (*host, error) {
	h := &host{settings: s, program: p, build: process.ThisBuild(version), id: runner.NewID(), registry: prometheus.NewRegistry()}
	var err error
	if h.log, err = s.logger(p); err != nil {
		return nil, err
	}
	if h.table, err = kinds.Table(); err != nil {
		return nil, fmt.Errorf("kinds of checks: %w", err)
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vedette_build_info", Help: "Always 1; the labels say what is running.",
		ConstLabels: prometheus.Labels{"version": h.build.Version, "go": h.build.Go},
	})
	info.Set(1)
	for _, c := range []prometheus.Collector{info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := h.registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return h, nil
}

// logOf is the log of a part.
func (h *host) logOf(part string) *slog.Logger { return h.log.With("part", part) }

// startServer starts the embedded NATS server.
func (h *host) startServer() error {
	folder, err := h.dataFolder(h.program.Env)
	if err != nil {
		return err
	}
	h.data = folder
	h.server, err = embedded.Start(embedded.Config{
		Dir: folder, Listen: h.natsListen, Password: h.natsPassword, RunnerPassword: h.runnerPassword,
		Locations: h.locations, Relaxed: h.durability == durabilityRelaxed, Log: h.logOf("nats"),
	})
	if err != nil {
		return err
	}
	disk, err := diskSize(folder)
	if err != nil {
		return errors.Join(err, h.server.Stop())
	}
	h.limits = fitLimits(h.limits, disk)
	h.log.Debug("limits of the logs", "events", size{&h.limits.Events}.String(), "results", size{&h.limits.Results}.String(), "disk", disk)
	return nil
}

// connect connects with full rights, and makes the streams.
func (h *host) connect(ctx context.Context, name string) error {
	if err := h.dial(ctx, name); err != nil {
		return err
	}
	if err := h.ensureTopology(ctx); err != nil {
		return err
	}
	if h.server != nil && h.natsListen == "" {
		// Nobody else can hold one: after a crash there is nothing to wait for.
		return h.bus.EndLeases(ctx)
	}
	return nil
}

// dial connects with full rights.
func (h *host) dial(ctx context.Context, name string) error {
	server := h.nats
	server.Name = "vedette " + name
	if h.server != nil {
		server.InProcess = h.server
		server.User, server.Password = h.server.User()
	}
	b, err := jetstream.Connect(ctx, jetstream.Config{
		Server: server, Replicas: h.replicas, Limits: h.limits, Log: h.logOf("bus"), Registerer: h.registry,
	})
	if err != nil {
		return err
	}
	h.bus = b
	measure, err := middleware.Metrics(h.registry)
	if err != nil {
		return err
	}
	log := h.logOf("bus")
	h.messages = bus.Use(b, middleware.Trace(middleware.LogSpans(log)), middleware.Log(log), measure)
	return nil
}

// A server that has just started takes no requests about streams for a while.
const (
	topologyAttempts = 20
	topologyPause    = 500 * time.Millisecond
)

func (h *host) ensureTopology(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := h.bus.Restoring(ctx)
		if err == nil {
			err = h.bus.EnsureTopology(ctx)
		}
		if err == nil || errors.Is(err, jetstream.ErrRestoring) || attempt == topologyAttempts || ctx.Err() != nil {
			return err
		}
		h.log.Warn("the streams cannot be made yet; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(topologyPause):
		}
	}
}

// connectRunner connects with a runner's rights.
func (h *host) connectRunner(ctx context.Context) error {
	config := jetstream.RunnerConfig{
		Server: h.nats, Location: h.location, APIPrefix: h.apiPrefix, InboxPrefix: h.inboxPrefix, Log: h.logOf("runner"),
	}
	config.Name = "vedette runner " + h.location
	if h.server != nil {
		config.InProcess = h.server
		config.User, config.Password = h.server.Runner(h.location)
	}
	// The account of a location's runners knows what it imports by names of its own.
	if config.User == embedded.RunnerUser(h.location) {
		if config.APIPrefix == "" {
			config.APIPrefix = embedded.RunnerAPIPrefix
		}
		if config.InboxPrefix == "" {
			config.InboxPrefix = embedded.RunnerInboxPrefix
		}
	}
	b, err := jetstream.ConnectRunner(ctx, config)
	h.runnerBus = b
	return err
}

// close ends the connections, then the server.
func (h *host) close() {
	if h.runnerBus != nil {
		h.runnerBus.Close()
	}
	if h.bus != nil {
		h.bus.Close()
	}
	if h.server == nil {
		return
	}
	if err := h.server.Stop(); err != nil {
		h.log.Error("the embedded NATS server did not stop well", "error", err)
	}
}

// serve runs parts until a signal comes, ctx ends or one of them fails.
func (h *host) serve(ctx context.Context, name string, stages [][]part) error {
	ctx, stop := process.OnSignals(ctx, h.log, h.exit)
	defer stop()
	defer h.close()
	if err := h.open(ctx, name, stages); err != nil {
		if ctx.Err() != nil {
			return nil // asked to stop before it had begun
		}
		return err
	}
	return process.Run(ctx, h.log, h.processes(stages)...)
}

// exit ends the program at a second signal.
func (h *host) exit(code int) {
	if h.program.Exit != nil {
		h.program.Exit(code)
		return
	}
	os.Exit(code)
}

// open connects as the parts need it.
func (h *host) open(ctx context.Context, name string, stages [][]part) error {
	runs, others := false, false
	for _, s := range stages {
		for _, p := range s {
			runs, others = runs || p.name == "runner", others || p.name != "runner"
		}
	}
	if others {
		if err := h.connect(ctx, name); err != nil {
			return err
		}
	}
	if h.furnish != nil {
		if err := h.furnish(ctx); err != nil {
			return err
		}
	}
	if !runs {
		return nil
	}
	if others {
		// The scheduler does it too, but later than the runner asks for work.
		if err := h.bus.OpenLocation(ctx, h.location); err != nil {
			return err
		}
	}
	return h.connectRunner(ctx)
}

// processes are the parts as they run here, and what goes on beside them until they have ended.
func (h *host) processes(stages [][]part) [][]process.Part {
	var all [][]process.Part
	var beside []process.Part
	guards := false
	for _, s := range stages {
		var stage []process.Part
		for _, p := range s {
			guards = guards || p.guards
			stage = append(stage, process.Part{Name: p.name, Run: func(ctx context.Context) error { return p.run(ctx, h) }})
		}
		all = append(all, stage)
	}
	if guards {
		beside = append(beside,
			process.Part{Name: "guard of EVENTS", Run: h.bus.GuardEvents},
			process.Part{Name: "chain of EVENTS", Run: func(ctx context.Context) error { return h.bus.KeepChain(ctx, h.id) }})
	}
	if h.health != "" {
		health := process.Health{Address: h.health, Ready: h.ready, Gatherer: h.registry, Log: h.log}
		beside = append(beside, process.Part{Name: "health", Run: health.Run})
	}
	return append(all, beside)
}

// ready says why this process cannot do its work. The api has its own.
func (h *host) ready(ctx context.Context) error {
	if h.bus == nil {
		return h.runnerBus.Connected()
	}
	return h.bus.Probe(ctx)
}
