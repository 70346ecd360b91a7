package runner

import (
	"context"
	"errors"
	"time"

	"github.com/vedette/vedette/pkg/bus"
)

const (
	// pullers is how many pulls may be open at once, so that a runner far from its server is not
	// held to one batch per round trip.
	pullers = 4
	// pullWait is how long one pull stays open. Short: an open pull of a runner that died may catch
	// a batch, which then waits for AckWait.
	pullWait = 2 * time.Second
)

// puller pulls one batch for each grant, and answers each grant.
type puller struct {
	source    bus.ExecutionSource
	grants    <-chan struct{}
	pulled    chan<- bus.Delivery
	condition *condition
}

// run ends with ctx. A nil on pulled says that the pull brought nothing.
func (p *puller) run(ctx context.Context) {
	var pause backoff
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.grants:
		}
		delivery, err := p.source.Pull(ctx, pullWait)
		if err != nil {
			delivery = nil
		}
		p.pulled <- delivery
		switch {
		case ctx.Err() != nil:
			return
		case err == nil, errors.Is(err, bus.ErrNothing):
			pause.reset()
			p.condition.worked()
		default:
			p.condition.failed(err)
			if !pause.wait(ctx) {
				return
			}
		}
	}
}
