package api

import (
	"bufio"
	"context"
	"errors"
	"net"
	"runtime/debug"
	"time"
)

// downstream is the connection to one client of a stream.
type downstream struct {
	conn net.Conn
	w    *bufio.Writer
}

// Why a stream ends while the server goes on.
var (
	errSlow = errors.New("the client takes too little")
	errGone = errors.New("the client is gone")
)

// serveStream writes until the client is gone or dropped, or the server stops. Fiber's context is not
// used here: it belongs to another request by now.
func (s *server) serveStream(conn net.Conn, run func(ctx context.Context) error) {
	defer func() {
		if value := recover(); value != nil { // it would take the process with it
			s.log.Error("an event stream panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()
	ctx, cancel := context.WithCancel(s.work)
	defer cancel()
	defer context.AfterFunc(s.stopping, func() {
		cancel()
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that takes nothing must not hold up the end
	})()
	err := run(ctx)
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, errGone):
	case errors.Is(err, errSlow):
		s.metrics.dropped.WithLabelValues("slow").Inc()
		s.log.Info("a client of an event stream was dropped: it took too little", "remote", conn.RemoteAddr().String())
	default:
		s.metrics.dropped.WithLabelValues("error").Inc()
		s.log.Warn("an event stream ended early; its client can resume", "error", err)
	}
}

func (d *downstream) write(text []byte) error {
	if d.w.Available() < len(text) {
		if err := d.flush(); err != nil {
			return err
		}
	}
	if _, err := d.w.Write(text); err != nil {
		return errGone
	}
	return nil
}

// flush waits until the connection takes what was written, for a while.
func (d *downstream) flush() error {
	began := time.Now()
	switch {
	case d.conn.SetWriteDeadline(began.Add(stallTimeout)) != nil:
		return errGone
	case d.w.Flush() == nil:
		return nil
	case time.Since(began) >= stallTimeout:
		return errSlow
	}
	return errGone
}
