package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// streamer writes events to one client.
type streamer struct {
	server  *server
	filter  *filter
	at      position
	fromNow bool
	conn    net.Conn
	w       *bufio.Writer
	// told is the position that the client knows of.
	told position
}

// Why a stream ends while the server goes on.
var (
	errSlow = errors.New("the client takes too little")
	errGone = errors.New("the client is gone")
)

// serve writes until the client is gone or dropped, or the server stops. Fiber's context is not
// used here: it belongs to another request by now.
func (st *streamer) serve(w *bufio.Writer) {
	st.w = w
	log := st.server.log
	defer func() {
		if value := recover(); value != nil { // it would take the process with it
			log.Error("an event stream panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithCancel(st.server.work)
	defer cancel()
	defer context.AfterFunc(st.server.stopping, func() {
		cancel()
		_ = st.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that takes nothing must not hold up the end
	})()
	err := st.run(ctx)
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, errGone):
	case errors.Is(err, errSlow):
		st.server.metrics.dropped.WithLabelValues("slow").Inc()
		log.Info("a client of the event stream was dropped: it took too little", "remote", st.conn.RemoteAddr().String())
	default:
		st.server.metrics.dropped.WithLabelValues("error").Inc()
		log.Warn("an event stream ended early; its client can resume", "error", err)
	}
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

func (st *streamer) write(text []byte) error {
	if st.w.Available() < len(text) {
		if err := st.flush(); err != nil {
			return err
		}
	}
	if _, err := st.w.Write(text); err != nil {
		return errGone
	}
	return nil
}

// flush waits until the connection takes what was written, for a while.
func (st *streamer) flush() error {
	began := time.Now()
	switch {
	case st.conn.SetWriteDeadline(began.Add(stallTimeout)) != nil:
		return errGone
	case st.w.Flush() == nil:
		return nil
	case time.Since(began) >= stallTimeout:
		return errSlow
	}
	return errGone
}
