package kinds_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/monitor"
)

func page(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "checks", name))
	require.NoError(t, err)
	return string(raw)
}

// examples are the definitions on a page by id, with addresses replaced by those of local servers.
func examples(t *testing.T, page string, replace ...string) map[string]monitor.Definition {
	t.Helper()
	table, err := kinds.Table()
	require.NoError(t, err)
	found := map[string]monitor.Definition{}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1) {
		var d monitor.Definition
		decoder := json.NewDecoder(strings.NewReader(block[1]))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&d), block[1])
		require.Empty(t, append(d.WithDefaults().Validate(), table.Validate(d.WithDefaults())...), "it can be registered as it stands")
		d.Target = strings.NewReplacer(replace...).Replace(d.Target)
		d.Options = []byte(strings.NewReplacer(replace...).Replace(string(d.Options)))
		found[d.ID] = d
	}
	return found
}

// failure is a way to fail, and what it says.
type failure struct {
	executor   executor.Executor
	definition monitor.Definition
	outcome    monitor.Outcome
	text       string
}

// requireTexts executes every failure and wants its text in the result and on the page, and no more
// texts on the page.
func requireTexts(t *testing.T, page string, failures []failure) {
	t.Helper()
	rows := regexp.MustCompile("(?m)^\\| .* \\| `([^`]*)` \\|$").FindAllStringSubmatch(page[strings.Index(page, "## What a failure says"):], -1)
	documented := map[string]bool{}
	for _, row := range rows {
		documented[row[1]] = true
	}
	for _, f := range failures {
		f.definition.Timeout = monitor.Duration(500 * time.Millisecond)
		engine := executortest.Engine(t, []executor.Executor{f.executor}, func(env *executor.Environment) {
			if strings.Contains(f.text, "--deny") {
				env.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
			}
		})
		r := engine.Execute(t.Context(), executortest.Execution(f.definition))
		require.Equal(t, f.outcome, r.Outcome, r.Error)
		require.Contains(t, r.Error, f.text)
		require.True(t, documented[f.text], "%q is not on the page", f.text)
		delete(documented, f.text)
	}
	require.Empty(t, documented, "the page promises texts that nothing here says")
}

// requireNames wants every name of the kind on its page: options and variables. Of a page that is
// not the kind's alone it is the group of options that the page is about.
func requireNames(t *testing.T, page string, k executor.Kind, group ...string) {
	t.Helper()
	if len(group) > 0 {
		k.Variables = nil
	}
	for _, v := range k.Variables {
		require.Contains(t, page, "| `"+v.Name+"` | "+v.Type+" |")
	}
	var visit func(schema map[string]any, path string)
	visit = func(schema map[string]any, path string) {
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			property, _ := property.(map[string]any)
			if len(group) > 0 && property["x-group"] != group[0] {
				continue
			}
			if property["properties"] != nil {
				visit(property, path+name+".")
				continue
			}
			require.Contains(t, page, "| `"+path+name+"` |")
		}
	}
	visit(k.Options, "")
}

func TestPageOfHTTP(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/health":
			if r.Header.Get("Authorization") != "Bearer t0ken" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, `{"status":"ok","queue":{"depth":7}}`)
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"state":"bad"}`)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "plain words: Welcome!")
		}
	}
	plain := executortest.ServeHTTP(t, handler)
	old := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://www.example.org/", http.StatusMovedPermanently)
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(handler))
	t.Cleanup(secure.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	text := page(t, "http.md")
	requireNames(t, text, httpcheck.Executor{}.Kind())
	found := examples(t, text, "http://example.org", old, "https://www.example.org", secure.URL, "https://api.example.org", plain)
	require.Len(t, found, 4)
	for id, d := range found {
		if strings.HasPrefix(d.Target, secure.URL) {
			d.Options = executortest.Options(t, map[string]any{"tls": map[string]any{"ca": ca}})
		}
		engine := executortest.Engine(t, kinds.All(), func(env *executor.Environment) {
			env.Secrets.Env = func(name string) (string, bool) { return "t0ken", name == "VEDETTE_SECRET_API_TOKEN" }
		})
		r := engine.Execute(t.Context(), executortest.Execution(d))
		require.Contains(t, []monitor.Outcome{monitor.OutcomeSuccess, monitor.OutcomeDegraded}, r.Outcome, "%s: %s", id, r.Error)
	}

	silent := executortest.ServeConns(t, func(net.Conn) {})
	half := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
	})
	closing := executortest.ServeConns(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1000))
		_ = c.Close()
	})
	at := func(target string, assertions ...string) monitor.Definition {
		return monitor.Definition{Kind: "http", Target: target, Assertions: assertions}
	}
	with := func(d monitor.Definition, options any) monitor.Definition {
		d.Options = executortest.Options(t, options)
		return d
	}
	web := httpcheck.Executor{}
	fails, errs := monitor.OutcomeFailure, monitor.OutcomeError
	requireTexts(t, text, []failure{
		{web, at(plain + "/broken"), fails, "status 503 Service Unavailable"},
		{web, at(plain+"/broken", "status == 200"), fails, "status == 200 · actual 503"},
		{web, at(plain+"/broken", `status == 503 && json.state == "ok"`), fails, `status == 503 && json.state == "ok" · actual "bad"`},
		{web, at(plain+"/broken", "json.nothing == 1"), fails, "cannot be evaluated: no such key: nothing"},
		{web, at(plain, "json.state == 1"), fails, "the body is not JSON: invalid character 'p'"},
		{web, at("http://" + executortest.Closed(t, "tcp")), fails, "connection refused: 127.0.0.1:"},
		{web, at("http://no-such-host.invalid"), fails, "no-such-host.invalid"},
		{web, at("http://" + silent), fails, "timed out while waiting for the first byte"},
		{web, at("http://" + half), fails, "timed out while reading the answer"},
		{web, at("http://" + closing), fails, "connection closed while waiting for the first byte"},
		{web, at(plain + "/loop"), fails, "more than 5 redirects"},
		{web, at(secure.URL), fails, "certificate: signed by an authority that is not trusted"},
		{web, with(at(secure.URL), map[string]any{"tls": map[string]any{"ca": ca, "server_name": "example.org"}}), fails, "certificate: x509: certificate is valid for example.com"},
		{web, at(strings.Replace(plain, "http", "https", 1)), fails, "the server speaks HTTP, not HTTPS, at this port"},
		{web, with(at(plain), map[string]any{"body": "secret://nope"}), errs, "secret is not known to this runner: nope: set VEDETTE_SECRET_NOPE"},
		{web, at("http://169.254.169.254/"), errs, "169.254.169.254 is link-local, which is never probed"},
		{web, at(plain), errs, "127.0.0.1 is in 127.0.0.0/8, denied by --deny"},
	})
}
