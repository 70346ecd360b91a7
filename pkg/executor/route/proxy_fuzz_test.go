package route

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

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
