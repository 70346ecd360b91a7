package bus

import "context"

// Leases elect the one active process among standbys.
type Leases interface {
	// Hold waits until the lease is free, takes it and calls run with a context that ends when the
	// lease is lost, and with the lease's fence: a number that grows with every holder and travels
	// with what the holder writes. When run returns nil because the lease was lost, Hold waits
	// again. It returns nil when ctx ends, releasing the lease at once so that a standby need not
	// wait, and run's error when run fails.
	Hold(ctx context.Context, name, holder string, run func(ctx context.Context, fence uint64) error) error
}
