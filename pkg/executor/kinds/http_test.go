package kinds_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

func httpSubject() executortest.Subject {
	return executortest.Subject{
		Network: "tcp",
		Serve: func(t *testing.T) monitor.Definition {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"state":"ok"}`) })
			return monitor.Definition{Kind: "http", Target: url + "/"}
		},
		At: func(address string) monitor.Definition {
			return monitor.Definition{Kind: "http", Target: "http://" + address + "/"}
		},
		Echo: echoHTTP,
		Lead: func(t *testing.T, address string) monitor.Definition {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+address+"/", http.StatusFound)
			})
			return monitor.Definition{Kind: "http", Target: url}
		},
		Hostile:    hostileHTTP(),
		BadTargets: []string{"ftp://x/", "x", "http://", "https://u:p@x/", "http://x:0/", "http://x:65536/", "http://[::1", "http://%zz/", "mailto:a@b"},
		BadOptions: map[string]string{
			`{"method":"G T"}`:                          "options.method",
			`{"method":"CONNECT"}`:                      "options.method",
			`{"headers":{"a b":"c"}}`:                   "options.headers",
			`{"headers":{"a":"b\r\nc: d"}}`:             "options.headers.a",
			`{"headers":{"Content-Length":"1"}}`:        "options.headers.Content-Length",
			`{"headers":{"X-A":"1","x-a":"2"}}`:         "options.headers.x-a",
			`{"json":"{"}`:                              "options.json",
			`{"body":"a","json":"1"}`:                   "options.json",
			`{"graphql":{"operation":"a"}}`:             "options.graphql.query",
			`{"http_version":"3"}`:                      "options.http_version",
			`{"expected_location":"/"}`:                 "options.expected_location",
			`{"auth":{"type":"bearer"}}`:                "options.auth.token",
			`{"auth":{"username":"a"}}`:                 "options.auth.username",
			`{"tls":{"certificate":"secret://c"}}`:      "options.tls.key",
			`{"tls":{"ca":"secret://ca"}}`:              "options.tls.ca",
			`{"tls":{"ca":"-----BEGIN CERTIFICATE--"}}`: "options.tls.ca",
		},
	}
}

// echoHTTP sends the secret in URL, header and body, and has it come back in the address after a
// redirect, a header and the body, across the place where texts are cut.
func echoHTTP(t *testing.T) (monitor.Definition, string) {
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/next/"+r.Header.Get("X-Token")+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("X-Seen", r.Header.Get("X-Token"))
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s%s %q %s %s", strings.Repeat("x", 190), body, body, r.URL, r.Header.Get("Authorization"))
	})
	return monitor.Definition{
		Kind: "http", Target: url + "/?token=secret://token",
		Options: executortest.Options(t, map[string]any{
			"method": "POST", "body": "secret://token",
			"headers": map[string]string{"X-Token": "secret://token", "Authorization": "Basic secret://token"},
		}),
		Assertions: []string{`body == "x"`, `headers["x-seen"] == ""`, `body.split("x") == []`, `{body: headers} == {}`, `json == 1`, `headers[body] == ""`},
	}, "s3cret-&-vålue_0123456789"
}

func hostileHTTP() map[string]func(*testing.T) executortest.Attack {
	raw := func(answer []byte, outcome monitor.Outcome, text string, assertions ...string) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			address := executortest.ServeConns(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4<<10))
				_, _ = c.Write(answer) // the client may well have gone
			})
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "http", Target: "http://" + address + "/", Assertions: assertions}, Outcome: outcome, Text: text,
			}
		}
	}
	body := func(header string, body []byte) []byte {
		return append([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\n"+header+"\r\n\r\n"), body...)
	}
	zeros := bomb(64 << 20)
	byHTTP2 := func(outcome monitor.Outcome, text string, handler http.HandlerFunc) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			server := httptest.NewUnstartedServer(handler)
			server.EnableHTTP2 = true
			server.StartTLS()
			t.Cleanup(server.Close)
			return executortest.Attack{Definition: monitor.Definition{
				Kind: "http", Target: server.URL, Options: []byte(`{"http_version":"2","tls":{"skip_verify":true}}`),
			}, Outcome: outcome, Text: text}
		}
	}
	large := bytes.Repeat([]byte("a"), 3<<20)
	flood := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 100)+"\r\n", 2000) + "\r\n"
	return map[string]func(*testing.T) executortest.Attack{
		"large body":        raw(body("Content-Length: 3145728", large), monitor.OutcomeSuccess, "", "body.size() == 1048576"),
		"endless body":      raw(body("Content-Length: 9000000000000", large), monitor.OutcomeSuccess, ""),
		"chunked body":      raw(body("Transfer-Encoding: chunked", fmt.Appendf(nil, "%x\r\n%s", len(large)+1, large)), monitor.OutcomeSuccess, ""),
		"gzip bomb":         raw(body("Content-Encoding: gzip", zeros), monitor.OutcomeFailure, "the body is hostile: with Content-Encoding gzip it expands to more than 1 MiB"),
		"broken gzip":       raw(body("Content-Encoding: gzip", []byte("no gzip at all")), monitor.OutcomeFailure, "gzip"),
		"header flood":      raw([]byte(flood), monitor.OutcomeFailure, "header"),
		"one long header":   raw([]byte("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 1<<20)), monitor.OutcomeFailure, "header"),
		"continue for ever": raw(bytes.Repeat([]byte("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"), 20000), monitor.OutcomeFailure, ""),
		"short body":        raw(body("Content-Length: 100", []byte("short")), monitor.OutcomeFailure, "timed out while reading the answer"),
		"bad status":        raw([]byte("HTTP/1.1 999999 OK\r\n\r\n"), monitor.OutcomeFailure, ""),
		"negative length":   raw(body("Content-Length: -1", nil), monitor.OutcomeFailure, ""),
		"speaks first": func(t *testing.T) executortest.Attack {
			address := executortest.ServeConns(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.test ESMTP\r\n") })
			return executortest.Attack{Definition: monitor.Definition{Kind: "http", Target: "http://" + address}, Outcome: monitor.OutcomeFailure}
		},
		"silent tls": func(t *testing.T) executortest.Attack {
			address := executortest.ServeConns(t, func(net.Conn) {})
			return executortest.Attack{
				Definition: monitor.Definition{Kind: "http", Target: "https://" + address}, Outcome: monitor.OutcomeFailure, Text: "timed out during the TLS handshake",
			}
		},
		"noisy tls": func(t *testing.T) executortest.Attack {
			address := executortest.ServeConns(t, func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte{0x16, 0x03, 0xff}, 1000)) })
			return executortest.Attack{Definition: monitor.Definition{Kind: "http", Target: "https://" + address}, Outcome: monitor.OutcomeFailure}
		},
		"endless body by HTTP/2": byHTTP2("", "", func(w http.ResponseWriter, r *http.Request) {
			for chunk := make([]byte, 16<<10); r.Context().Err() == nil; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}),
		"gzip bomb by HTTP/2": byHTTP2(monitor.OutcomeFailure, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zeros)
		}),
		"header flood by HTTP/2": byHTTP2(monitor.OutcomeFailure, "the server breaks the rules of HTTP/2, or the bounds of its headers", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 100))
			}
		}),
		"no answer by HTTP/2": byHTTP2(monitor.OutcomeFailure, "timed out while waiting for the first byte", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		"redirect loop": func(t *testing.T) executortest.Attack {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
			return executortest.Attack{Definition: monitor.Definition{Kind: "http", Target: url}, Outcome: monitor.OutcomeFailure, Text: "more than 5 redirects"}
		},
		"slow redirects": func(t *testing.T) executortest.Attack {
			url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(120 * time.Millisecond): // slower, taken together, than the timeout
				case <-r.Context().Done():
				}
				http.Redirect(w, r, "/", http.StatusFound)
			})
			return executortest.Attack{Definition: monitor.Definition{Kind: "http", Target: url}, Outcome: monitor.OutcomeFailure, Text: "timed out"}
		},
		"dripping headers": func(t *testing.T) executortest.Attack {
			address := executortest.ServeConns(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 4<<10))
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "); err == nil; _, err = io.WriteString(c, "a") {
					<-tick.C
				}
			})
			return executortest.Attack{Definition: monitor.Definition{Kind: "http", Target: "http://" + address}, Outcome: monitor.OutcomeFailure, Text: "timed out while reading the answer"}
		},
	}
}

// bomb compresses so many zeros.
func bomb(size int) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for zeros := make([]byte, 1<<20); size > 0; size -= len(zeros) {
		_, _ = z.Write(zeros) // to memory
	}
	_ = z.Close()
	return packed.Bytes()
}

func TestTheBombIsOne(t *testing.T) {
	require.Less(t, len(bomb(64<<20)), 1<<17)
}
