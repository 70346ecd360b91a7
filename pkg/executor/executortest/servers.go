package executortest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// ServeConns starts a TCP server that meets each client with meet, and returns its address. All
// connections are closed when the test ends.
func ServeConns(t testing.TB, meet func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var open conns
	var meetings sync.WaitGroup
	meetings.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.add(conn)
			meetings.Go(func() { meet(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.close()
		meetings.Wait()
	})
	return listener.Addr().String()
}

// HangUp ends a conversation in order: a connection that is closed with something unread is reset instead,
// now and then.
func HangUp(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	_ = c.Close()
}

// conns are connections to be closed together.
type conns struct {
	mu     sync.Mutex
	all    []net.Conn
	closed bool
}

func (c *conns) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
	}
	c.all = append(c.all, conn)
}

func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, conn := range c.all {
		_ = conn.Close()
	}
}

// ServePackets starts a UDP server that meets each datagram with meet, which may write to its
// sender, and returns its address.
func ServePackets(t testing.TB, meet func(net.Conn)) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buffer := make([]byte, 64<<10); ; {
			_, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			meet(sender{packets, from})
		}
	}()
	t.Cleanup(func() {
		_ = packets.Close()
		<-done
	})
	return packets.LocalAddr().String()
}

// sender writes to who sent a datagram.
type sender struct {
	net.PacketConn
	to net.Addr
}

func (s sender) Read([]byte) (int, error) { return 0, net.ErrClosed }

func (s sender) Write(raw []byte) (int, error) { return s.WriteTo(raw, s.to) }

func (s sender) RemoteAddr() net.Addr { return s.to }

// Closed returns an address of this machine at which nobody listens.
func Closed(t testing.TB, network string) string {
	t.Helper()
	if network == "udp" {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, packets.Close())
		return packets.LocalAddr().String()
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// ServeHTTP starts an HTTP server and returns its URL, without a final slash.
func ServeHTTP(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// ServeDNS starts a DNS server, by UDP and TCP at one port, and returns its address.
func ServeDNS(t testing.TB, handler dns.HandlerFunc) string {
	t.Helper()
	listener, packets := samePort(t)
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: listener, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(ended)
			_ = server.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
			defer cancel()
			_ = server.ShutdownContext(ctx)
			<-ended
		})
	}
	return packets.LocalAddr().String()
}

// samePort listens by TCP and UDP at one port; a port free for one need not be for the other.
func samePort(t testing.TB) (net.Listener, net.PacketConn) {
	t.Helper()
	const tries = 20
	for range tries {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		packets, err := net.ListenPacket("udp", listener.Addr().String())
		if err == nil {
			return listener, packets
		}
		require.NoError(t, listener.Close())
	}
	t.Fatal("no port is free for both TCP and UDP")
	return nil, nil
}
