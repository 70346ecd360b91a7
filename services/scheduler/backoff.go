package scheduler

import (
	"time"

	"github.com/vedette/vedette/pkg/process/backoff"
)

// newBackoff waits less than elsewhere: what is due does not wait.
func newBackoff() backoff.Backoff {
	return backoff.Backoff{First: 50 * time.Millisecond, Most: 2 * time.Second}
}
