package gate

import (
	"log/slog"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// announcer tells subscribers. What it cannot tell is counted and logged, and holds nothing up: it is
// in RESULTS, or comes again with the next report, or, if it was a test, can be asked for again.
type announcer struct {
	bus     Announcer
	log     *slog.Logger
	metrics *metrics
}

func (a announcer) runner(report bus.Report) {
	report.Results = nil
	if err := a.bus.AnnounceRunner(report); err != nil {
		a.failed("runner", err)
	}
}

func (a announcer) test(result monitor.Result) {
	a.metrics.tests.Inc()
	if err := a.bus.AnnounceTest(result); err != nil {
		a.failed("test", err)
	}
}

func (a announcer) results(messages []monitor.EventMessage) {
	for _, message := range messages {
		if err := a.bus.AnnounceResult(message); err != nil {
			a.failed("result", err)
		}
	}
}

func (a announcer) failed(what string, err error) {
	a.metrics.unheard.Inc()
	a.log.Debug("an announcement failed", "what", what, "error", err)
}
