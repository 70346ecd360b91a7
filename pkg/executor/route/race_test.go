package route

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mute returns an address that answers no one: its queue of connections is full.
func mute(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	file := os.NewFile(uintptr(fd), "mute")
	t.Cleanup(func() { _ = file.Close() })
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	bound, ok := name.(*syscall.SockaddrInet4)
	require.True(t, ok)
	address := (&net.TCPAddr{IP: bound.Addr[:], Port: bound.Port}).String()
	for range 3 {
		dialer := net.Dialer{Timeout: 100 * time.Millisecond}
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("this system takes connections beyond its queue")
	return ""
}

func TestRaceGoesOnBesideASilentAddress(t *testing.T) {
	silent := mute(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	way := hop{network: "tcp"}
	begun := time.Now()
	conn, err := way.race(t.Context(), []string{silent, listener.Addr().String()})
	require.NoError(t, err)
	require.Equal(t, listener.Addr().String(), conn.RemoteAddr().String())
	require.GreaterOrEqual(t, time.Since(begun), stagger, "the first one had its time")
	require.NoError(t, conn.Close())

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = way.race(ctx, []string{silent, silent})
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

// FuzzProxyAnswers reads whatever a proxy may say.
func FuzzProxyAnswers(f *testing.F) {
	for _, seed := range []string{
		"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50hello", "\x05\x02\x01\x00\x05\x05\x00\x03\x01a\x00\x50", "\x05\xff", "\x05\x00\x05\x00\x00\x09",
		"HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.1 407 No\r\nA: b\r\n\r\n", "HTTP/1.0 502\r\n\r\n", "HTTP/9 2", "SSH-2.0-x\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, scheme := range []string{socks5, connect} {
			ours, theirs := net.Pipe()
			read := make(chan struct{})
			go func() {
				defer close(read)
				_, _ = io.Copy(io.Discard, theirs)
			}()
			wrote := make(chan struct{})
			go func() {
				defer close(wrote)
				_, _ = theirs.Write(raw)
				_ = theirs.Close()
			}()
			r := request{conn: ours, proxy: &proxy{scheme: scheme, address: "proxy:1", given: true}, host: "host", port: 80, user: "u", password: "p"}
			conn, err := r.made()
			if err == nil {
				rest, _ := io.ReadAll(conn)
				require.True(t, len(rest) <= len(raw) && string(raw[len(raw)-len(rest):]) == string(rest), "nothing is lost of what comes behind")
			} else {
				require.NotEmpty(t, err.Error())
			}
			_ = ours.Close()
			<-wrote
			<-read
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	for _, seed := range []string{"socks5://user:secret://word@proxy:1080", "http://secret://user:secret://word@[::1]:3128/", "http://a@b@c:1", "socks5://%41@x:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, problem := parseProxy(text)
		require.Equal(t, p == nil, problem != "")
		if p != nil {
			require.True(t, plainAddress(p.address))
			require.LessOrEqual(t, len(p.user), maxCredential)
			require.True(t, !p.given || p.user != "")
		}
	})
}
