package grpccheck

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/monitor"
)

// said is a connection on which a server said all that it says.
type said struct {
	net.Conn
	text io.Reader
}

func (s said) Read(buffer []byte) (int, error) { return s.text.Read(buffer) }

func (said) Write(raw []byte) (int, error) { return len(raw), nil }

func (said) SetDeadline(time.Time) error { return nil }

func (said) SetReadDeadline(time.Time) error { return nil }

func (said) SetWriteDeadline(time.Time) error { return nil }

func (said) Close() error { return nil }

func (said) LocalAddr() net.Addr { return &net.TCPAddr{} }

func (said) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// FuzzAnswer has a server say whatever it likes.
func FuzzAnswer(f *testing.F) {
	settings := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
	f.Add(settings)
	f.Add(append(settings, 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8))
	f.Add(append(settings, 0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	p, problems := prepare(monitor.Definition{Target: "x:1"})
	require.Empty(f, problems)
	f.Fuzz(func(t *testing.T, text []byte) {
		conn := endpoint.Over(t.Context(), said{text: bytes.NewReader(text)}, "x")
		l := &line{raw: conn, authority: "x:1", ready: func() {}}
		status, _, err := p.ask(t.Context(), l, nil)
		if err != nil {
			require.Empty(t, status)
			require.NotEmpty(t, err.Error())
		}
		require.NoError(t, conn.Close())
	})
}
