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

// condition logs when something starts to fail and when it works again, not every attempt.
type condition struct {
	log          *slog.Logger
	broken, well string

	mu  sync.Mutex
	bad bool
}

func (c *condition) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.bad {
		c.log.Warn(c.broken, "error", err)
	}
	c.bad = true
}

func (c *condition) worked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bad {
		c.log.Info(c.well)
	}
	c.bad = false
}
