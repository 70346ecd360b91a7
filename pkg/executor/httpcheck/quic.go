package httpcheck

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// initialPacket is what every path carries, in bytes (RFC 9000, 14).
const initialPacket = 1200

var errWithoutTLS = errors.New("it is led to an address without TLS, by which there is no HTTP/3")

// overQUIC asks by HTTP/3 (RFC 9114), each request on a connection of its own.
type overQUIC struct {
	session *session
	config  *tls.Config
}

// RoundTrip implements http.RoundTripper. The session closes what it opens.
func (q *overQUIC) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" {
		return nil, errWithoutTLS
	}
	ctx := request.Context()
	conn, err := q.connect(ctx, request)
	if err != nil {
		return nil, err
	}
	transport := &http3.Transport{MaxResponseHeaderBytes: maxHeaders, DisableCompression: true}
	return transport.NewClientConn(conn).RoundTrip(request)
}

func (q *overQUIC) connect(ctx context.Context, request *http.Request) (*quic.Conn, error) {
	phases := q.session.phases
	phases.begin()
	address := request.URL.Host
	if request.URL.Port() == "" {
		address = net.JoinHostPort(request.URL.Hostname(), "443")
	}
	socket, err := q.session.probe.route.Dialer(q.session.tools)(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	q.session.closers = append(q.session.closers, func() { _ = socket.Close() })
	phases.connected(socket)
	transport := &quic.Transport{Conn: connectedPackets{socket}}
	config := q.config.Clone()
	config.NextProtos = []string{http3.NextProtoH3}
	if config.ServerName == "" {
		config.ServerName = request.URL.Hostname()
	}
	conn, err := transport.Dial(ctx, socket.RemoteAddr(), config, &quic.Config{
		InitialStreamReceiveWindow: streamWindow, MaxStreamReceiveWindow: streamWindow,
		InitialConnectionReceiveWindow: connWindow, MaxConnectionReceiveWindow: connWindow,
		MaxIncomingStreams: -1, InitialPacketSize: initialPacket, DisablePathMTUDiscovery: true,
		HandshakeIdleTimeout: time.Hour, // the context ends it
	})
	q.session.closers = append([]func(){func() {
		if conn != nil {
			_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		}
		_ = transport.Close() // waits for what it started
	}}, q.session.closers...)
	if err != nil {
		return nil, err
	}
	phases.secured()
	return conn, nil
}

// connectedPackets is a connected socket as QUIC takes one: what is sent goes to the address that the
// runner's policy permitted, and nothing else is heard.
type connectedPackets struct{ net.Conn }

func (c connectedPackets) ReadFrom(buffer []byte) (int, net.Addr, error) {
	n, err := c.Read(buffer)
	return n, c.RemoteAddr(), err
}

func (c connectedPackets) WriteTo(raw []byte, _ net.Addr) (int, error) { return c.Write(raw) }

// SetReadBuffer has the socket keep its size: more than a window is never on the way.
func (c connectedPackets) SetReadBuffer(int) error { return nil }

// SetWriteBuffer has the socket keep its size.
func (c connectedPackets) SetWriteBuffer(int) error { return nil }
