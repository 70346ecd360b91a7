package cli_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/services/vedette/cli"
)

var update = flag.Bool("update", false, "write the golden files anew")

// server answers as the API does, with what a test gives it, and keeps what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

type asked struct {
	method, path, query string
	header              http.Header
	body                map[string]any
}

// serve answers by "METHOD /path" under /api/v1. What is not among the answers is a problem 404.
func serve(t *testing.T, answers map[string]http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := asked{method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, header: r.Header}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is gone
		}
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &a.body); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		s.mu.Lock()
		s.asked = append(s.asked, a)
		s.mu.Unlock()
		answer := answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v1")]
		if answer == nil {
			problem(http.StatusNotFound, "there is no check "+filepath.Base(r.URL.Path))(w, r)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// last is what was asked last.
func (s *server) last() asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// answer gives a JSON document and, with a name and value, a header.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func problem(status int, detail string, fields ...string) http.HandlerFunc {
	type field struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	}
	var all []field
	for i := 0; i+1 < len(fields); i += 2 {
		all = append(all, field{fields[i], fields[i+1]})
	}
	raw, _ := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail, "errors": all})
	return answer(status, string(raw), "Content-Type", "application/problem+json")
}

// now is when the tests take place.
func now() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// outcome is what an invocation came to.
type outcome struct {
	code     int
	out, err string
}

// run runs a command against a server, with environment variables as NAME=value.
func (s *server) run(t *testing.T, in string, env []string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	lookup := func(name string) (string, bool) {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
	root := cli.Group(&cobra.Command{Use: "vedette", SilenceErrors: true, SilenceUsage: true})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.UsageError{Err: err} })
	root.AddGroup(&cobra.Group{ID: cli.GroupClient, Title: "Client:"})
	root.AddCommand(cli.Commands(cli.Terminal{In: strings.NewReader(in), Out: &out, Err: &errs, Env: lookup, Version: "test", Now: now})...)
	root.SetArgs(append(args, "--server", s.URL))
	if len(args) > 0 && args[0] == "__complete" {
		root.SetArgs(append([]string{args[0], args[1], "--server", s.URL}, args[2:]...))
	}
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(t.Context())
	if err != nil && !cli.Silent(err) {
		errs.WriteString(err.Error())
	}
	return outcome{cli.ExitCode(err), out.String(), errs.String()}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(have), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test ./services/vedette/cli -update")
	require.Equal(t, string(want), have)
}
