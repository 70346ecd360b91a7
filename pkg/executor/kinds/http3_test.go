package kinds_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/monitor"
)

// TestHTTP3Conforms: what holds of a kind holds of it by QUIC too, whose packets nobody else sends.
func TestHTTP3Conforms(t *testing.T) {
	t.Parallel()
	executortest.Run(t, http3Subject(t))
}

func TestHTTP3KeepsWithinItsMemory(t *testing.T) { executortest.RunMemory(t, http3Subject(t)) }

func http3Subject(t *testing.T) executortest.Subject {
	t.Helper()
	certificate, ca := executortest.Certificate(t)
	serve := func(t *testing.T, handler http.HandlerFunc) string {
		return executortest.ServeHTTP3(t, certificate, handler)
	}
	with := func(t *testing.T, target string, more map[string]any, assertions ...string) monitor.Definition {
		options := map[string]any{"http_version": "3", "tls": map[string]any{"ca": ca}}
		maps.Copy(options, more)
		return monitor.Definition{Kind: "http", Target: target, Options: executortest.Options(t, options), Assertions: assertions}
	}
	attack := func(outcome monitor.Outcome, text string, handler http.HandlerFunc) func(*testing.T) executortest.Attack {
		return func(t *testing.T) executortest.Attack {
			// Each redirect takes a handshake, and a slow machine has no time for many.
			return executortest.Attack{Definition: with(t, serve(t, handler), map[string]any{"max_redirects": 1}), Outcome: outcome, Text: text}
		}
	}
	plain, zeros := httpSubject(), bomb(64<<20)
	return executortest.Subject{
		Executor: httpcheck.Executor{}, Network: executortest.UDP, Without: []string{"proxy"}, BadTargets: plain.BadTargets,
		Serve: func(t *testing.T) monitor.Definition {
			return with(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"state":"ok"}`) })+"/", nil)
		},
		At: func(address string) monitor.Definition { return with(t, "https://"+address+"/", nil) },
		Echo: func(t *testing.T) (monitor.Definition, string) {
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Seen", r.Header.Get("X-Token"))
				_, _ = fmt.Fprintf(w, "%s%s", strings.Repeat("x", 190), r.Header.Get("X-Token"))
			})
			return with(t, url+"/secret://token", map[string]any{"headers": map[string]string{"X-Token": "secret://token"}}, `body == "x"`, `headers["x-seen"] == ""`), "s3cret-&-value_0123456789"
		},
		Lead: func(t *testing.T, address string) monitor.Definition {
			return with(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://"+address+"/", http.StatusFound)
			}), nil)
		},
		Hostile: map[string]func(*testing.T) executortest.Attack{
			"endless body": attack("", "", func(w http.ResponseWriter, r *http.Request) {
				for chunk := make([]byte, 16<<10); r.Context().Err() == nil; {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			}),
			"gzip bomb": attack(monitor.OutcomeFailure, "", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(zeros)
			}),
			"header flood": attack(monitor.OutcomeFailure, "", func(w http.ResponseWriter, _ *http.Request) {
				for i := range 2000 {
					w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 100))
				}
			}),
			"no answer": attack(monitor.OutcomeFailure, "timed out", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			"dripping body": attack(monitor.OutcomeFailure, "timed out", func(w http.ResponseWriter, r *http.Request) {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for r.Context().Err() == nil {
					if _, err := io.WriteString(w, "a"); err != nil {
						return
					}
					if flusher, ok := w.(http.Flusher); ok {
						flusher.Flush()
					}
					<-tick.C
				}
			}),
			"redirect loop": attack(monitor.OutcomeFailure, "more than 1 redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }),
		},
	}
}
