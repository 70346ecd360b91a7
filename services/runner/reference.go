package runner

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// referenceTimeout is how long a reference address has to accept a connection.
	referenceTimeout = 2 * time.Second
	// referenceKept is how long one look at the references stands.
	referenceKept = time.Second
)

// references tell whether this machine has a network at all. Safe for concurrent use.
type references struct {
	addresses []string
	metrics   *metrics
	condition *condition

	mu sync.Mutex // held while looking, so that many failures at once look once
	at time.Time
	ok bool
}

// believe returns r as it is, or, when it is a failure and no reference address answers, as the
// error of an isolated runner: that says nothing about the target and never counts as down.
func (f *references) believe(ctx context.Context, r monitor.Result) monitor.Result {
	if r.Outcome != monitor.OutcomeFailure || len(f.addresses) == 0 || f.reachable(ctx) {
		return r
	}
	f.metrics.isolated.Inc()
	r.Outcome = monitor.OutcomeError
	r.Error = "this runner is isolated: none of its reference addresses (" +
		strings.Join(f.addresses, ", ") + ") answers; what it saw: " + r.Error
	return r
}

func (f *references) reachable(ctx context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.at) < referenceKept {
		return f.ok
	}
	ok, err := f.dial(ctx)
	if ctx.Err() != nil {
		return true // cut off by the shutdown: the result is not used
	}
	f.at, f.ok = time.Now(), ok
	if ok {
		f.condition.worked()
	} else {
		f.condition.failed(err)
	}
	return ok
}

// dial asks all addresses at once and returns when the first has answered, or all have failed.
func (f *references) dial(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, referenceTimeout)
	answers := make(chan error)
	var pending sync.WaitGroup
	for _, address := range f.addresses {
		pending.Go(func() {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, "tcp", address)
			if err == nil {
				_ = conn.Close() // nothing was sent
			}
			answers <- err
		})
	}
	var last error
	reached := false
	for range f.addresses {
		if err := <-answers; err == nil {
			reached = true
			cancel()
		} else {
			last = err
		}
	}
	cancel()
	pending.Wait()
	return reached, last
}
