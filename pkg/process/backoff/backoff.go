// Package backoff waits between attempts at what failed, longer each time.
package backoff

import (
	"context"
	"time"
)

// The defaults of a Backoff.
const (
	DefaultFirst = 100 * time.Millisecond
	DefaultMost  = 5 * time.Second
)

// Backoff gives the pauses between attempts, twice as long each time. The zero value is ready. It is
// not safe for concurrent use.
type Backoff struct {
	// First and Most bound the pauses; zero takes the defaults.
	First, Most time.Duration

	last time.Duration
}

// Next returns how long to wait now.
func (b *Backoff) Next() time.Duration {
	first, most := b.First, b.Most
	if first == 0 {
		first = DefaultFirst
	}
	if most == 0 {
		most = DefaultMost
	}
	b.last = min(most, max(first, 2*b.last))
	return b.last
}

// Wait waits, and returns false when ctx ended first.
func (b *Backoff) Wait(ctx context.Context) bool {
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Reset makes the next pause the first again.
func (b *Backoff) Reset() { b.last = 0 }
