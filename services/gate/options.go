package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// Bus is what a gate needs of the message bus.
type Bus interface {
	bus.IngestServer
	Results
	Announcer
}

// Results is the writing end of RESULTS.
type Results interface {
	// AppendResults is bus.ResultLog's.
	AppendResults(ctx context.Context, location string, results []monitor.EventMessage) ([]monitor.EventMessage, error)
}

// Announcer is the speaking end of the live feed.
type Announcer interface {
	// The three are bus.Live's.
	AnnounceResult(result monitor.EventMessage) error
	AnnounceTest(result monitor.Result) error
	AnnounceRunner(report bus.Report) error
}

// Bounds and defaults.
const (
	DefaultLinger = 50 * time.Millisecond
	MaxLinger     = time.Second
	// MaxMessageResults and maxMessageBytes bound one message in RESULTS.
	MaxMessageResults = 500
	maxMessageBytes   = 512 << 10
	// appendTimeout bounds one write to RESULTS; shorter than runners wait for their answer.
	appendTimeout = 4 * time.Second
	// remembered is how many results per location a gate knows to be stored.
	remembered = 1 << 16
	// maxReports is how many reports one gate has in hand at once, maxLocations from how many
	// locations it takes them.
	maxReports   = 4096
	maxLocations = 1000
)

// Options configure a gate. Zero fields take the defaults named here.
type Options struct {
	// Linger is the longest that results wait for those of other runners of their location,
	// bounds (0, 1s], default 50 ms.
	Linger time.Duration
	// Log defaults to none, Registerer to no metrics, Now to time.Now.
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Linger == 0 {
		o.Linger = DefaultLinger
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
	if o.Linger < 0 || o.Linger > MaxLinger {
		return fmt.Errorf("linger %s: use up to %s", o.Linger, MaxLinger)
	}
	return nil
}

// errBusy sends a runner away for the moment.
var errBusy = errors.New("the gate has too much in hand; try again")
