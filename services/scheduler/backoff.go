package scheduler

import (
	"context"
	"time"
)

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// backoff waits between attempts, twice as long each time. The zero value is ready.
type backoff struct{ last time.Duration }

// next returns how long to wait now.
func (b *backoff) next() time.Duration {
	b.last = min(maxPause, max(firstPause, 2*b.last))
	return b.last
}

// wait waits, and returns false when ctx ended first.
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

func (b *backoff) reset() { b.last = 0 }
