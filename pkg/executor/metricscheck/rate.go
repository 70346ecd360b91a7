package metricscheck

import (
	"fmt"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/executor"
)

const (
	// maxRates bounds the series of a rate: they are kept from one execution to the next.
	maxRates = 500
	// leastApart is how far apart two scrapes must be to make a rate.
	leastApart = time.Second
)

// history is what the execution before saw. It is safe for concurrent use.
type history struct {
	mu    sync.Mutex
	at    time.Time
	seen  map[uint64]float64
	rate  float64
	apart time.Duration
	// known says that there is a rate.
	known bool
}

// next returns the growth per second of all series together since the execution before, and how
// long ago that was. A series that counts less than it did began again at zero; one that was not
// there before does not count yet. An execution close on the one before has that one's rate.
// ErrNotYet: there is nothing to compare with.
func (h *history) next(name string, found []series, now time.Time) (rate float64, apart time.Duration, err error) {
	if len(found) > maxRates {
		return 0, 0, fmt.Errorf("%s has more than %d such series, too many for a rate: select fewer by options.labels", name, maxRates)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	apart = now.Sub(h.at)
	if h.seen == nil || apart >= leastApart {
		h.compare(found, apart)
		h.at = now
	}
	if !h.known {
		return 0, 0, fmt.Errorf("%w: a rate of %s needs two executions by one runner, %s or more apart, that see one series", executor.ErrNotYet, name, leastApart)
	}
	return h.rate, h.apart, nil
}

func (h *history) compare(found []series, apart time.Duration) {
	grown, common := 0.0, 0
	for _, s := range found {
		before, ok := h.seen[s.id]
		if !ok {
			continue
		}
		common++
		if s.value < before {
			before = 0
		}
		grown += s.value - before
	}
	h.rate, h.apart, h.known = grown/apart.Seconds(), apart, common > 0
	h.seen = make(map[uint64]float64, len(found))
	for _, s := range found {
		h.seen[s.id] = s.value
	}
}
