package tcpcheck

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/endpoint"
)

// FuzzExpect reads whatever a server may send, in two pieces.
func FuzzExpect(f *testing.F) {
	f.Add([]byte("220 mx"), []byte(" ESMTP\r\n"), `(?P<a>\S+) ESMTP`)
	f.Add([]byte{0xff}, []byte{0}, `.`)
	f.Fuzz(func(t *testing.T, first, second []byte, text string) {
		pattern, problem := endpoint.ParsePattern(text)
		if problem != "" {
			return
		}
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = theirs.Write(first)
			_, _ = theirs.Write(second)
			_ = theirs.Close()
		}()
		conn := endpoint.Over(t.Context(), ours, "host")
		talk := newTalk(conn)
		err := talk.expect(t.Context(), pattern)
		whole := string(first) + string(second)
		require.True(t, strings.HasPrefix(whole, string(talk.received)))
		require.LessOrEqual(t, talk.matched, len(talk.received))
		require.Equal(t, err == nil, talk.matched > 0 || pattern.Match(talk.received))
		_, ok := talk.observation(time.Second).Values("received")
		require.True(t, ok)
		require.NoError(t, conn.Close())
		<-done
	})
}
