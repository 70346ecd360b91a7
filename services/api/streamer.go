package api

import (
	"context"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// streamer writes events to one client.
type streamer struct {
	downstream
	server  *server
	filter  *filter
	at      position
	fromNow bool
	// told is the position that the client knows of.
	told position
}

// run sends what is in the logs, joins the tails, sends what came meanwhile, then what comes.
func (st *streamer) run(ctx context.Context) error {
	if err := st.write(fmt.Appendf(nil, "retry: %d\n: vedette\n\n", retryHint.Milliseconds())); err != nil {
		return err
	}
	if err := st.flush(); err != nil {
		return err
	}
	if !st.fromNow {
		if err := st.catchUp(ctx, nil); err != nil {
			return err
		}
	}
	// A write that hangs ends with this deadline.
	sub := newSubscriber(st.filter, func() { _ = st.conn.SetWriteDeadline(time.Now()) })
	heads, err := st.join(ctx, sub)
	if err != nil {
		return err
	}
	defer st.leave(sub)
	if st.fromNow {
		st.at = heads
	} else if err := st.catchUp(ctx, &heads); err != nil {
		return err
	}
	err = st.live(ctx, sub)
	if sub.isDropped() {
		return errSlow
	}
	return err
}

func (st *streamer) join(ctx context.Context, sub *subscriber) (heads position, err error) {
	if heads.Event, err = st.server.events.join(ctx, sub); err != nil || !st.filter.results {
		return heads, err
	}
	last, err := st.server.results.join(ctx, sub)
	if err != nil {
		st.server.events.leave(sub)
	}
	heads.Result = atMessage(last)
	return heads, err
}

func (st *streamer) leave(sub *subscriber) {
	st.server.events.leave(sub)
	if st.filter.results {
		st.server.results.leave(sub)
	}
}

// catchUp sends what the logs hold, up to a position if one is given.
func (st *streamer) catchUp(ctx context.Context, until *position) error {
	logs := &forward{bus: st.server.bus, filter: st.filter, at: st.at}
	for n := 1; ; n++ {
		if until != nil && logs.at.Event >= until.Event && (!st.filter.results || !until.Result.After(logs.at.Result)) {
			return st.flush()
		}
		m, err := logs.next(ctx)
		if err != nil {
			return err
		}
		if m == nil {
			return st.flush()
		}
		st.at = logs.at
		if err := st.send(&item{EventMessage: *m}); err != nil {
			return err
		}
		if n%eventBlock == 0 {
			if err := st.flush(); err != nil {
				return err
			}
		}
	}
}

// live sends what the tails give, and signs of life.
func (st *streamer) live(ctx context.Context, sub *subscriber) error {
	if err := st.beat(); err != nil { // the client knows its place before anything happens
		return err
	}
	heartbeat := time.NewTicker(st.server.opt.Heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-heartbeat.C:
			if err := st.beat(); err != nil {
				return err
			}
		case <-sub.wake:
		}
		items, reached, dropped := sub.take()
		if dropped {
			return errSlow
		}
		for _, i := range items {
			if !st.pass(i.EventMessage) {
				continue
			}
			if err := st.send(i); err != nil {
				return err
			}
		}
		st.at.Event = max(st.at.Event, reached.Event)
		st.at.Result = later(st.at.Result, reached.Result)
		if len(items) > 0 {
			if err := st.flush(); err != nil {
				return err
			}
		}
	}
}

// pass moves the position to a message, or reports that it was there already.
func (st *streamer) pass(m monitor.EventMessage) bool {
	if _, isResult := monitor.ResultOf(m.Event); isResult {
		if !m.Position().After(st.at.Result) {
			return false
		}
		st.at.Result = m.Position()
		return true
	}
	if m.Sequence <= st.at.Event {
		return false
	}
	st.at.Event = m.Sequence
	return true
}

// send writes an event, if it is wanted.
func (st *streamer) send(i *item) error {
	if !st.filter.matches(i.EventMessage) {
		return nil
	}
	text, err := i.frame()
	if err != nil {
		return err
	}
	st.told = st.at
	if err := st.write(fmt.Appendf(nil, "id: %s\n", st.at.cursor(st.filter.results))); err != nil {
		return err
	}
	st.server.metrics.sent.Inc()
	return st.write(text)
}

// beat writes a comment, with the place that was reached without an event that was wanted: an id
// without data moves a browser's Last-Event-ID and shows nothing.
func (st *streamer) beat() error {
	text := ": alive\n\n"
	if st.at != st.told {
		text = fmt.Sprintf(": alive\nid: %s\n\n", st.at.cursor(st.filter.results))
		st.told = st.at
	}
	if err := st.write([]byte(text)); err != nil {
		return err
	}
	return st.flush()
}
