package grpccheck

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/stats"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/endpoint"
)

// line is the one connection that a channel may use. It notes what happens on it, since a channel
// tells of that in words of its own. It implements credentials.TransportCredentials.
type line struct {
	raw *endpoint.Conn
	// authority is the name under which the server is asked.
	authority string
	// ready is called when the connection is, before anything is asked.
	ready func()
	// config is nil for a connection without TLS.
	config *tls.Config
	used   atomic.Bool
	heard  heard

	mu     sync.Mutex
	read   int
	first  []byte
	state  *tls.ConnectionState
	shaken time.Duration
	failed error
	// ended is why nothing more can be read.
	ended error
}

// errUsed: a channel that lost its connection does not get another.
var errUsed = errors.New("the connection has ended")

func (l *line) dial(context.Context, string) (net.Conn, error) {
	if l.used.Swap(true) {
		return nil, errUsed
	}
	return l.raw, nil
}

// errNoHTTP2: the handshake ended without an agreement on HTTP/2.
var errNoHTTP2 = errors.New("the server does not offer HTTP/2 by TLS, which gRPC needs")

// ClientHandshake implements credentials.TransportCredentials.
func (l *line) ClientHandshake(ctx context.Context, _ string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if l.config == nil {
		l.ready()
		return &listening{raw, l}, plain{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}, nil
	}
	config := l.config.Clone()
	config.NextProtos = []string{"h2"}
	begun := time.Now()
	conn := tls.Client(raw, config)
	err := conn.HandshakeContext(ctx)
	state := conn.ConnectionState()
	if err == nil && state.NegotiatedProtocol != "h2" {
		err = errNoHTTP2
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = executor.Explain(err, "during the TLS handshake")
		return nil, nil, l.failed
	}
	l.state, l.shaken = &state, time.Since(begun)
	l.raw.Inside(conn)
	l.ready()
	info := credentials.TLSInfo{State: state, CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}
	return &listening{conn, l}, info, nil
}

// shook returns what the TLS handshake agreed on, and how long it took; a nil state without one.
func (l *line) shook() (*tls.ConnectionState, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.shaken, l.failed
}

// ServerHandshake implements credentials.TransportCredentials.
func (l *line) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("this is a client")
}

// Info implements credentials.TransportCredentials.
func (l *line) Info() credentials.ProtocolInfo {
	if l.config == nil {
		return credentials.ProtocolInfo{SecurityProtocol: "insecure"}
	}
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone implements credentials.TransportCredentials: there is one line, so it is itself.
func (l *line) Clone() credentials.TransportCredentials { return l }

// OverrideServerName implements credentials.TransportCredentials.
func (l *line) OverrideServerName(string) error { return errors.New("the name is an option") }

// plain is the credentials.AuthInfo of a connection without TLS.
type plain struct{ credentials.CommonAuthInfo }

// AuthType implements credentials.AuthInfo.
func (plain) AuthType() string { return "insecure" }

const (
	// frameHeader is how long the header of a frame of HTTP/2 is, in bytes.
	frameHeader = 9
	// maxRead bounds all that is read of a server, in bytes: the least frames cost much more memory
	// than they are long.
	maxRead = 64 << 10
)

// errFlood: the server sent more than is read.
var errFlood = fmt.Errorf("the server sent more than %d KiB", maxRead>>10)

// listening is a connection whose first bytes its line keeps, up to maxRead.
type listening struct {
	net.Conn
	line *line
}

func (c *listening) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	if c.line.read += n; c.line.read > maxRead {
		n, err = 0, errFlood
	}
	if missing := frameHeader - len(c.line.first); missing > 0 && n > 0 {
		c.line.first = append(c.line.first, buffer[:min(n, missing)]...)
	}
	if err != nil && c.line.ended == nil {
		c.line.ended = err
	}
	return n, err
}

// closed is why a server that said nothing never will, or errFlood; nil for one that said something.
func (l *line) closed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.ended, errFlood) {
		return errFlood
	}
	if len(l.first) > 0 {
		return nil
	}
	if l.ended == nil || errors.Is(l.ended, net.ErrClosed) {
		return io.EOF
	}
	return l.ended
}

// speaksHTTP2 reports whether the server began with settings, as every one has to (RFC 9113, 3.4).
func (l *line) speaksHTTP2() bool {
	const kind, settings = 3, 0x4
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.first) == frameHeader && l.first[kind] == settings
}

// heard notes whether the server answered by gRPC. It implements stats.Handler.
type heard struct{ answered atomic.Bool }

// HandleRPC implements stats.Handler.
func (h *heard) HandleRPC(_ context.Context, event stats.RPCStats) {
	switch event.(type) {
	case *stats.InHeader, *stats.InTrailer:
		h.answered.Store(true)
	}
}

// TagRPC implements stats.Handler.
func (h *heard) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn implements stats.Handler.
func (h *heard) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (h *heard) HandleConn(context.Context, stats.ConnStats) {}
