package httpcheck

import (
	"context"
	"net"
	"sync"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// politely has a connection read nothing before something was sent. A server that speaks first
// would otherwise have net/http write what it says to the program's log.
func politely(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &politeConn{Conn: conn, spoken: make(chan struct{})}, nil
	}
}

type politeConn struct {
	net.Conn
	once   sync.Once
	spoken chan struct{}
}

func (c *politeConn) Read(buffer []byte) (int, error) {
	<-c.spoken
	return c.Conn.Read(buffer)
}

func (c *politeConn) Write(raw []byte) (int, error) {
	c.once.Do(func() { close(c.spoken) })
	return c.Conn.Write(raw)
}

func (c *politeConn) Close() error {
	c.once.Do(func() { close(c.spoken) })
	return c.Conn.Close()
}
