package tlscheck

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// said is a connection on which a server said all that it says.
type said struct {
	net.Conn
	text   []byte
	served int
}

func (s *said) Read(buffer []byte) (int, error) {
	if s.served == len(s.text) {
		return 0, io.EOF
	}
	n := copy(buffer, s.text[s.served:])
	s.served += n
	return n, nil
}

func (s *said) Write(raw []byte) (int, error) { return len(raw), nil }

// FuzzStartTLS reads whatever a server may say before the handshake.
func FuzzStartTLS(f *testing.F) {
	for protocol, text := range map[string]string{
		"smtp": "220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n", "imap": "* OK\r\na OK\r\n", "pop3": "+OK\r\n+OK\r\n", "ftp": "220 x\r\n234 y\r\n",
		"postgres": "S", "ldap": "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00",
	} {
		f.Add(protocol, []byte(text))
	}
	f.Fuzz(func(t *testing.T, protocol string, text []byte) {
		conn := &said{text: text}
		err := startTLS(conn, protocol)
		require.LessOrEqual(t, conn.served, maxPlain)
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}

// FuzzLDAP reads whatever may stand in an answer.
func FuzzLDAP(f *testing.F) {
	f.Add([]byte("\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"))
	f.Add([]byte("\x02\x84\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, message []byte) {
		begun := time.Now()
		code, text, ok := ldapResult(message)
		require.True(t, ok || (code == 0 && text == ""))
		require.Less(t, time.Since(begun), time.Second)
	})
}
