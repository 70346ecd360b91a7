package route_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/route"
)

// tunnel serves an HTTP proxy that wants a password, and connects every name to a server.
func tunnel(t *testing.T, server string, asked chan<- string) string {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("us:er:p@ss/word"))
	return executortest.ServeConns(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		request, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		asked <- request.Method + " " + request.Host
		if request.Header.Get("Proxy-Authorization") != want {
			_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\n")
			return
		}
		relay(c, server, "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
	})
}

// relay answers in one piece with what the server says first, and passes the rest on.
func relay(c net.Conn, server, answer string) {
	behind, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = behind.Close() }()
	first := make([]byte, 100)
	n, err := behind.Read(first)
	if err != nil {
		return
	}
	_, _ = io.WriteString(c, answer+string(first[:n]))
	_, _ = io.Copy(behind, c)
}

// socks serves a SOCKS 5 proxy of the same kind.
func socks(t *testing.T, server string, asked chan<- string) string {
	t.Helper()
	return executortest.ServeConns(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		in := bufio.NewReader(c)
		read := func(n int) []byte {
			raw := make([]byte, n)
			_, _ = io.ReadFull(in, raw)
			return raw
		}
		methods := read(int(read(2)[1]))
		if !strings.Contains(string(methods), "\x02") {
			_, _ = c.Write([]byte{5, 0xff})
			return
		}
		_, _ = c.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		password := string(read(int(read(1)[0])))
		if user != "us:er" || password != "p@ss/word" {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
		host := ""
		switch read(4)[3] {
		case 1:
			host = netip.AddrFrom4([4]byte(read(4))).String()
		case 3:
			host = string(read(int(read(1)[0])))
		case 4:
			host = netip.AddrFrom16([16]byte(read(16))).String()
		}
		asked <- fmt.Sprintf("%s %d", host, binary.BigEndian.Uint16(read(2)))
		relay(c, server, "\x05\x00\x00\x03\x04here\x00\x00")
	})
}

func TestDialThroughAProxy(t *testing.T) {
	server := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "hello ")
		_, _ = io.Copy(io.Discard, c)
	})
	asked := make(chan string, 1)
	for proxy, want := range map[string]string{
		"http://secret://user:secret://word@" + tunnel(t, server, asked): "CONNECT inside.test:4321",
		"socks5://us%3aer:secret://word@" + socks(t, server, asked):      "inside.test 4321",
	} {
		conn, err := prepared(t, route.Options{}, proxy).Dial(t.Context(), tools(), "tcp", "inside.test:4321")
		require.NoError(t, err)
		require.Equal(t, want, <-asked, "the name is the proxy's to look up")
		got := make([]byte, 6)
		_, err = io.ReadFull(conn, got)
		require.NoError(t, err)
		require.Equal(t, "hello ", string(got), "what comes right behind the answer is not lost")
		require.NoError(t, conn.Close())

		for options, host := range map[route.Options]string{
			{IPVersion: "4"}: "127.0.0.1", {Resolver: zone(t, "localhost.test. 60 IN A 127.0.0.7"), IPVersion: "4"}: "127.0.0.7",
		} {
			name := "localhost"
			if options.Resolver != "" {
				name = "localhost.test"
			}
			conn, err = prepared(t, options, proxy).Dial(t.Context(), tools(), "tcp", name+":99")
			require.NoError(t, err)
			require.Contains(t, <-asked, host, "looked up here, as the options say how")
			require.NoError(t, conn.Close())
		}
		for _, refused := range []string{"169.254.169.254:80", "[::ffff:169.254.169.254]:80"} {
			_, err = prepared(t, route.Options{}, proxy).Dial(t.Context(), tools(), "tcp", refused)
			require.ErrorIs(t, err, executor.ErrForbidden)
		}
		closed := tools()
		closed.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		_, err = prepared(t, route.Options{}, proxy).Dial(t.Context(), closed, "tcp", "inside.test:4321")
		require.ErrorIs(t, err, executor.ErrForbidden, "of the proxy itself")
	}
}

func TestProxyByTLS(t *testing.T) {
	server := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "hello ")
		_, _ = io.Copy(io.Discard, c)
	})
	asked := make(chan string, 1)
	certificate, ca := executortest.Certificate(t)
	proxy := "https://us%3aer:secret://word@" + executortest.TerminateTLS(t, certificate, tunnel(t, server, asked))
	dial := func(ca string) (net.Conn, error) {
		way, problems := route.New(route.Options{}, route.ProxyOptions{Proxy: proxy, ProxyCA: ca})
		require.Empty(t, problems)
		return way.Dial(t.Context(), tools(), "tcp", "inside.test:4321")
	}
	conn, err := dial(ca)
	require.NoError(t, err)
	require.Equal(t, "CONNECT inside.test:4321", <-asked)
	got := make([]byte, 6)
	_, err = io.ReadFull(conn, got)
	require.NoError(t, err)
	require.Equal(t, "hello ", string(got))
	require.NoError(t, conn.Close())

	_, err = dial("")
	require.ErrorIs(t, err, executor.ErrSetup)
	require.ErrorContains(t, err, "the proxy cannot be reached: certificate: signed by an authority that is not trusted")
	require.Empty(t, asked, "it is not told the password")
	_, problems := route.New(route.Options{}, route.ProxyOptions{Proxy: proxy, ProxyCA: "x"})
	require.ErrorContains(t, problems.Err(), "options.proxy_ca: holds no certificate: give one")
}

func TestWhoseTroubleItIs(t *testing.T) {
	asked := make(chan string, 100)
	answering := func(text string) string {
		return executortest.ServeConns(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1000))
			_, _ = io.WriteString(c, text)
			_ = c.Close()
		})
	}
	http, socket := tunnel(t, "", asked), socks(t, "", asked)
	for proxy, want := range map[string]struct {
		own  bool // of the runner, not of the target
		text string
	}{
		"http://" + executortest.Closed(t, "tcp"):                                     {true, "the proxy cannot be reached: connection refused: 127.0.0.1:"},
		"https://" + answering("HTTP/1.1 400 Bad Request\r\n\r\n"):                    {true, "the proxy cannot be reached: the server does not speak TLS"},
		"http://no-such-host.invalid:1":                                               {true, "the proxy cannot be reached: "},
		"http://" + http:                                                              {true, "the proxy " + http + " wants a user and password: give them as user:secret://name@"},
		"http://user:secret://nope@" + http:                                           {true, "the proxy " + http + " refuses user and password"},
		"socks5://" + socket:                                                          {true, "the proxy " + socket + " wants a user and password"},
		"socks5://user@" + socket:                                                     {true, "the proxy " + socket + " refuses user and password"},
		"http://" + answering("HTTP/1.1 502 No\r\n\r\n"):                              {false, "no connection: 502 Bad Gateway, says the proxy 127.0.0.1:"},
		"http://" + answering("HTTP/1.1 403 No\r\n\r\n"):                              {true, "does not make this connection: 403 Forbidden"},
		"http://" + answering("SSH-2.0-x\r\n"):                                        {true, "does not speak HTTP"},
		"http://" + answering(""):                                                     {false, "connection closed while waiting for the proxy"},
		"http://" + answering("HTTP/1.1 200 OK\r\n"+strings.Repeat("A: b\r\n", 9000)): {true, "more than 16 KiB of headers"},
		"socks5://" + answering("HTTP/1.1 400 Bad Request\r\n\r\n"):                   {true, "does not speak SOCKS 5"},
		"socks5://" + answering("\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"):   {false, "connection refused, says the proxy"},
		"socks5://" + answering("\x05\x00\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"):   {false, "no route to the host, says the proxy"},
		"socks5://" + answering("\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"):   {true, "does not allow this connection"},
		"socks5://" + answering("\x05\x00\x05\x00\x00\x07\x00\x00\x00\x00\x00\x00"):   {true, "does not speak SOCKS 5"},
		"socks5://user@" + answering("\x05\xff"):                                      {true, "takes no user and password"},
	} {
		_, err := prepared(t, route.Options{}, proxy).Dial(t.Context(), tools(), "tcp", "host.test:80")
		require.ErrorContains(t, err, want.text, proxy)
		require.Equal(t, want.own, strings.HasPrefix(err.Error(), executor.ErrSetup.Error()), "%s: %v", proxy, err)
	}
	silent := executortest.ServeConns(t, func(net.Conn) {})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := prepared(t, route.Options{}, "socks5://"+silent).Dial(ctx, tools(), "tcp", "host.test:80")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestProxyForHTTP(t *testing.T) {
	way := prepared(t, route.Options{SourceAddress: "127.0.0.2"}, "socks5://user:secret://word@proxy.test:1080")
	u, err := way.Proxy(tools())
	require.NoError(t, err)
	require.Equal(t, "socks5://user:p%40ss%2Fword@proxy.test:1080", u.String())
	none, err := route.Route{}.Proxy(tools())
	require.NoError(t, err)
	require.Nil(t, none)
}
