package gate

import (
	"fmt"
	"log/slog"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

// announcer tells subscribers. What it cannot tell is counted and not missed: it is in RESULTS, or
// comes again with the next report.
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

// test fails, so that the runner tries again: nothing else holds the result of a test.
func (a announcer) test(result monitor.Result) error {
	if err := a.bus.AnnounceTest(result); err != nil {
		a.failed("test", err)
		return fmt.Errorf("announce the result of a test: %w", err)
	}
	a.metrics.tests.Inc()
	return nil
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
