package jetstream

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// ErrAway: there is no connection to NATS at the moment; it is being made again.
var ErrAway = errors.New("no connection to NATS")

// Connected returns nil, or ErrAway.
func (b *Bus) Connected() error { return connected(b.conn) }

// Connected returns nil, or ErrAway.
func (r *RunnerBus) Connected() error { return connected(r.conn) }

func connected(conn *nats.Conn) error {
	if status := conn.Status(); status != nats.CONNECTED {
		return fmt.Errorf("%w: %s", ErrAway, status)
	}
	return nil
}
