package wire

import (
	"net"
	"strings"
	"sync/atomic"
)

// Conn returns a connection whose data is taken down as well; of a nil log, or where there is none,
// the connection itself. Once the handshake of TLS begins, what goes over it is no longer taken down:
// wrap the connection made of it for that.
func (l *Log) Conn(c net.Conn) net.Conn {
	if l == nil || c == nil {
		return c
	}
	alone := strings.HasPrefix(c.LocalAddr().Network(), "udp")
	return &conn{Conn: c, log: l, sent: &stream{alone: alone}, received: &stream{alone: alone}}
}

// Bare is the connection below one of Conn, of which nothing is taken down; any other is itself.
func Bare(c net.Conn) net.Conn {
	if logged, ok := c.(*conn); ok {
		return logged.Conn
	}
	return c
}

type conn struct {
	net.Conn
	log            *Log
	sent, received *stream
	// sealed is set when what is sent is a handshake of TLS.
	sealed atomic.Bool
}

func (c *conn) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if n > 0 && !c.sealed.Load() {
		c.log.data(c.received, received, into[:n])
	}
	return n, err
}

func (c *conn) Write(raw []byte) (int, error) {
	if isHandshake(raw) && !c.sealed.Swap(true) {
		c.log.Note("tls", "the handshake begins")
	}
	n, err := c.Conn.Write(raw)
	if !c.sealed.Load() {
		c.log.data(c.sent, sent, raw[:n])
	}
	return n, err
}

// isHandshake reports whether bytes are the record that a client begins TLS with (RFC 8446, 5.1).
func isHandshake(raw []byte) bool {
	const header, handshake, major, clientHello = 6, 22, 3, 1
	return len(raw) >= header && raw[0] == handshake && raw[1] == major && raw[5] == clientHello
}
