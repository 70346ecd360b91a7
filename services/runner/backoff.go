package runner

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// backoff gives growing pauses, 100 ms doubling to 5 s, each shortened by up to a half at random so
// that runners do not come back all at once.
type backoff struct{ last time.Duration }

func (b *backoff) reset() { b.last = 0 }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 100*time.Millisecond), 5*time.Second)
	return b.last/2 + rand.N(b.last/2)
}

// wait pauses, and reports false when ctx ended first.
func (b *backoff) wait(ctx context.Context) bool {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// patience is how long something may fail before anybody is told: what starts beside this process
// may take a moment.
const patience = 3 * time.Second

// condition logs when something has failed for a while and when it works again, not every attempt.
type condition struct {
	log          *slog.Logger
	broken, well string

	mu sync.Mutex
	// since is when it began to fail; zero while it works.
	since time.Time
	told  bool
}

func (c *condition) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		c.since = time.Now()
	}
	if !c.told && time.Since(c.since) >= patience {
		c.told = true
		c.log.Warn(c.broken, "since", c.since, "error", err)
	}
}

func (c *condition) worked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told {
		c.log.Info(c.well)
	}
	c.since, c.told = time.Time{}, false
}
