package executortest

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
)

// ServeNATS starts what passes for a NATS server, to do what a real one would not, and returns its
// address. It says greeting, answers pings, and to each request says what answer makes of the login,
// the subject and where to reply: text of the protocol, also none.
func ServeNATS(t testing.TB, greeting string, answer func(login map[string]any, subject, reply string) string) string {
	t.Helper()
	return ServeConns(t, func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		login := map[string]any{}
		for lines := bufio.NewScanner(c); lines.Scan(); {
			words := strings.Fields(lines.Text())
			switch {
			case len(words) == 0:
			case words[0] == "CONNECT":
				_ = json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "CONNECT ")), &login)
			case words[0] == "PING":
				_, _ = io.WriteString(c, "PONG\r\n")
			case words[0] == "PUB" && len(words) > 2:
				if _, err := io.WriteString(c, answer(login, words[1], words[2])); err != nil {
					return
				}
			}
		}
	})
}
