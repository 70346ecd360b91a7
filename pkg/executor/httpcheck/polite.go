package httpcheck

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// politely has a connection fail when something comes before anything was sent. Of a server that
// speaks first net/http would otherwise write what it says to the program's log.
func politely(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &politeConn{Conn: conn}, nil
	}
}

var errSpeaksFirst = errors.New("the server speaks before it is asked: it is no web server")

type politeConn struct {
	net.Conn
	asked atomic.Bool
}

func (c *politeConn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	if n > 0 && !c.asked.Load() {
		return 0, errSpeaksFirst
	}
	return n, err
}

func (c *politeConn) Write(raw []byte) (int, error) {
	c.asked.Store(true)
	return c.Conn.Write(raw)
}
