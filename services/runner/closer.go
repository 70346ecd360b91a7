package runner

import (
	"context"
	"log/slog"
	"time"
)

const (
	// closers is how many deliveries are acknowledged at once.
	closers = 4
	// ackTimeout bounds one attempt to acknowledge, ackAttempts how many there are.
	ackTimeout  = 2 * time.Second
	ackAttempts = 3
)

// closer ends deliveries: it acknowledges those that are done and returns those that are spoiled.
type closer struct {
	log    *slog.Logger
	in     <-chan *hand
	closed chan<- struct{}
}

// run ends when in is closed. An acknowledgement that fails for good is no loss: the batch is
// delivered again, and the dispatcher or the gate recognises what was done.
func (c *closer) run(ctx context.Context) {
	for h := range c.in {
		if h.spoiled {
			if err := h.delivery.Return(); err != nil {
				c.log.Warn("a batch could not be returned; it is delivered again after a while", "error", err)
			}
		} else if err := c.ack(ctx, h); err != nil {
			c.log.Warn("a batch could not be acknowledged; it will be delivered again", "error", err)
		}
		c.closed <- struct{}{}
	}
}

func (c *closer) ack(ctx context.Context, h *hand) error {
	var pause backoff
	for attempt := 1; ; attempt++ {
		bounded, cancel := context.WithTimeout(ctx, ackTimeout)
		err := h.delivery.Ack(bounded)
		cancel()
		if err == nil || attempt == ackAttempts || !pause.wait(ctx) {
			return err
		}
	}
}
