package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Bus is all that a runner may touch: its location's queue and the gate.
type Bus interface {
	bus.ExecutionSource
	bus.Ingest
}

// Engine executes one check. It returns within the check's budget, and soon after ctx ends.
type Engine interface {
	Execute(ctx context.Context, execution monitor.Execution) monitor.Result
}

// Bounds and defaults of Options.
const (
	DefaultConcurrency   = 64
	MaxConcurrency       = 4096
	DefaultShutdownGrace = 10 * time.Second
	MaxReferences        = 16
)

// Options configure a runner. Zero fields take the defaults named here.
type Options struct {
	// ID names this process among runners, an id by monitor.ValidID; default host-pid-random.
	ID string
	// Location is where it runs, the one whose queue the bus pulls from; default "default".
	Location string
	// Concurrency is how many checks it executes at once, bounds [1, 4096], default 64.
	Concurrency int
	// Engine executes the checks. Required.
	Engine Engine
	// References are TCP addresses (host:port) that answer whenever this machine has a network.
	// When a check fails and none of them answers, the failure says nothing about the target and
	// becomes an error. Empty: every failure is believed. At most 16.
	References []string
	// Version is reported to the gate.
	Version string
	// ShutdownGrace is how long executions that have begun may go on after the end of ctx, bounds
	// (0, 10m], default 10 s. Two seconds more are given to the delivery of their results.
	ShutdownGrace time.Duration
	// Log defaults to none, Registerer to no metrics, Now to time.Now.
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	if o.ID == "" {
		o.ID = NewID()
	}
	if o.Location == "" {
		o.Location = monitor.DefaultLocation
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.ShutdownGrace == 0 {
		o.ShutdownGrace = DefaultShutdownGrace
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) validate() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !monitor.ValidID(o.ID) {
		add("id %q: use 1 to 64 characters of a-z, 0-9, _ and -", o.ID)
	}
	if !monitor.ValidID(o.Location) {
		add("location %q: use 1 to 64 characters of a-z, 0-9, _ and -", o.Location)
	}
	if o.Concurrency < 1 || o.Concurrency > MaxConcurrency {
		add("concurrency %d: use 1 to %d", o.Concurrency, MaxConcurrency)
	}
	if o.Engine == nil {
		add("engine is required")
	}
	if o.ShutdownGrace < 0 || o.ShutdownGrace > 10*time.Minute {
		add("shutdown grace %s: use up to 10m", o.ShutdownGrace)
	}
	if len(o.References) > MaxReferences {
		add("%d reference addresses: use at most %d", len(o.References), MaxReferences)
	}
	for _, address := range o.References {
		if _, _, err := net.SplitHostPort(address); err != nil {
			add("reference address %q: use host:port", address)
		}
	}
	return errors.Join(problems...)
}

// NewID returns a new id for a runner: host-pid-random, fit to be a token of a subject.
func NewID() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "runner"
	}
	host = strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(host))
	host = strings.Trim(host[:min(len(host), 40)], "-")
	if host == "" {
		host = "runner"
	}
	var random [3]byte
	_, _ = rand.Read(random[:]) // never fails, by crypto/rand
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(random[:]))
}
