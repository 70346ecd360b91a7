package api

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lingerFor and lingerBytes bound what is still read of a request after it was refused, so that
	// the client sees the answer instead of a reset connection.
	lingerFor   = 2 * time.Second
	lingerBytes = 32 << 20
)

// listener knows its open connections, so that none outlives the server.
type listener struct {
	net.Listener
	mu   sync.Mutex
	open map[*conn]struct{}
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, open: make(map[*conn]struct{})}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tracked := &conn{Conn: c, from: l}
	l.mu.Lock()
	l.open[tracked] = struct{}{}
	l.mu.Unlock()
	return tracked, nil
}

// closeAll closes what is still open.
func (l *listener) closeAll() {
	l.mu.Lock()
	open := make([]*conn, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Conn.Close() // the other side may have been faster
	}
}

// conn is a connection that can be told to read on for a moment before it is closed.
type conn struct {
	net.Conn
	from     *listener
	lingers  atomic.Bool
	closings sync.Once
}

// Close implements net.Conn.
func (c *conn) Close() error {
	var err error
	c.closings.Do(func() {
		if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.lingers.Load() && half.CloseWrite() == nil {
			_ = c.SetReadDeadline(time.Now().Add(lingerFor)) // a failure shows in the next read
			_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes) // what comes is of no interest
		}
		err = c.Conn.Close()
		c.from.mu.Lock()
		delete(c.from.open, c)
		c.from.mu.Unlock()
	})
	return err
}
