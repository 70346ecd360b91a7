package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const home = `{"id":"home","name":"Home page","service":"web","kind":"http","target":"https://example.org/","options":{"method":"HEAD"},
 "assertions":["status == 200","latency < duration('800ms')"],"interval":"30s","timeout":"10s","retries":0,"failure_threshold":2,
 "success_threshold":1,"locations":["default"],"quorum":1,"labels":{"team":"web"},"paused":false,"revision":3,"status":"down",
 "status_since":"2026-03-04T11:17:00Z","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-03-03T10:00:00Z","incident":"home-2",
 "reason":"status == 200 · actual 503","sequence":41,"recent":"UUUUUUUUUUUUGUU-UUUUUUUEUUUUUDDD","latency_ms":12.5,
 "uptime":{"24h":{"ratio":0.98951,"coverage":1,"expected":2880,"up":2840,"degraded":10,"down":30,"errors":0,"late":0},
           "7d":{"ratio":0.9999,"coverage":0.5,"expected":20160,"up":10068,"degraded":0,"down":2,"errors":0,"late":0,
           "corrected":{"by":["c"],"ratio":0.9989,"up":10068,"degraded":0,"down":12,"maintenance":10}},
           "30d":{"ratio":null,"coverage":0,"expected":0,"up":0,"degraded":0,"down":0,"errors":0,"late":0}},
 "last_result":` + failing + `}`

const failing = `{"id":"home.3.abc.default","check_id":"home","service":"web","revision":3,"location":"default","runner":"host-1-abcdef",
 "due_at":"2026-03-04T11:59:30Z","started_at":"2026-03-04T11:59:30.01Z","duration_ms":12.5,"outcome":"failure","attempts":2,
 "observed":{"status":503,"body":"maintenance\u001b[2J"},"timings":{"dns_ms":1.2,"connect_ms":3.1,"first_byte_ms":8.2},
 "assertions":[{"expression":"status == 200","passed":false,"actual":"503"},{"expression":"latency < duration('800ms')","passed":true}],
 "error":"status == 200 · actual 503","trigger":"manual"}`

const dnsCheck = `{"id":"home-dns","name":"home-dns","service":"web","kind":"dns","target":"example.org","interval":"1m","timeout":"10s",
 "failure_threshold":1,"success_threshold":1,"locations":["default","eu"],"quorum":1,"revision":1,"status":"up",
 "status_since":"2026-02-20T12:00:00Z","recent":"UUUU","uptime":{"24h":{"ratio":1,"coverage":1}},
 "last_result":{"outcome":"success","duration_ms":3.2}}`

const kinds = `{"items":[{"name":"http","title":"HTTP","summary":"Asks a web server.","target":"URL","example":"https://example.org/",
 "variables":[{"name":"status","type":"int","help":"Status of the answer."}],
 "options":{"type":"object","x-order":["method","headers","body","follow_redirects","max_redirects","tls"],"properties":{
   "method":{"type":"string","default":"GET","description":"Method of the request."},
   "headers":{"type":"object","additionalProperties":{"type":"string"},"description":"Headers of the request."},
   "body":{"type":"string","description":"Body of the request."},
   "follow_redirects":{"type":"boolean","default":true,"description":"Whether redirects are followed."},
   "max_redirects":{"type":"integer","default":5,"description":"How many."},
   "tls":{"type":"object","x-order":["skip_verify"],"properties":{"skip_verify":{"type":"boolean","default":false,"description":"Take any certificate."}}}}}}],"total":1}`

const corrections = `{"items":[{"id":"saturday","service":"web","from":"2026-03-04T08:00:00Z","to":"2026-03-04T11:30:00Z","kind":"maintenance","reason":"The database was moved.",
 "revision":1,"added_at":"2026-03-04T11:45:00Z","added_sequence":50,"sequence":50},` + withdrawn + `],"total":2}`

const withdrawn = `{"id":"home-2026-03-01","check":"home","from":"2026-03-01T08:00:00Z","to":"2026-03-01T08:04:00Z","kind":"false_positive",
 "reason":"The runner's network\u001b[2J was away.","revision":2,"added_at":"2026-03-01T09:00:00Z","withdrawn_at":"2026-03-02T09:00:00Z","withdrawn_reason":"It was not.",
 "added_sequence":40,"sequence":41}`

func board(t *testing.T) *server {
	return serve(t, map[string]http.HandlerFunc{
		"GET /checks":                         answer(200, `{"items":[`+home+`,`+dnsCheck+`],"total":2}`),
		"GET /checks/home":                    answer(200, home, "ETag", `"3"`),
		"GET /kinds":                          answer(200, kinds),
		"GET /services":                       answer(200, `{"items":[{"id":"web","name":"Web site","rollup":"worst","revision":1,"status":"down","status_since":"2026-03-04T11:17:00Z","checks":["home","home-dns"]}],"total":1}`),
		"GET /services/web":                   answer(200, `{"id":"web","name":"Web site","rollup":"worst","revision":1,"status":"down","status_since":"2026-03-04T11:17:00Z","updated_at":"2026-01-01T00:00:00Z","checks":[`+home+`,`+dnsCheck+`]}`, "ETag", `"1"`),
		"GET /overview":                       answer(200, `{"checks":{"up":1,"down":1},"services":{"down":1},"open_incidents":1,"runners":2,"sequence":41}`),
		"GET /incidents":                      answer(200, `{"items":[{"id":"home-2","check_id":"home","service":"web","opened_at":"2026-03-04T11:17:00Z","cause":"status == 200 · actual 503"},{"id":"home-1","check_id":"home","service":"web","opened_at":"2026-03-01T08:00:00Z","resolved_at":"2026-03-01T08:03:20Z","cause":"connection refused","resolution":"recovered","duration_ms":200000}],"total":2}`),
		"GET /corrections":                    answer(200, corrections),
		"GET /corrections/home-2026-03-01":    answer(200, withdrawn, "ETag", `"2"`),
		"POST /corrections":                   answer(201, withdrawn),
		"DELETE /corrections/home-2026-03-01": answer(200, withdrawn),
		"GET /runners":                        answer(200, `{"items":[{"id":"old-1","location":"eu","concurrency":64,"joined_at":"2026-03-01T08:00:00Z","left_at":"2026-03-04T11:00:00Z","reason":"silent"},{"id":"host-1-abcdef","location":"default","host":"host","version":"v1.0.0","concurrency":64,"joined_at":"2026-03-04T08:00:00Z"}],"total":2}`),
		"GET /projections":                    answer(200, `{"items":[{"name":"checks","version":1,"events":41,"results":0,"flushed_at":"2026-03-04T11:59:58Z"}],"total":1}`),
		"GET /events":                         answer(200, `{"items":[{"specversion":"1.0","id":"2","type":"vedette.service.status_changed.v1","subject":"service/web","time":"2026-03-04T11:17:00Z","sequence":"41","data":{"service_id":"web","from":"up","to":"down","reason":"home is down"}},{"specversion":"1.0","id":"1","type":"vedette.check.registered.v1","subject":"check/home","time":"2026-01-01T00:00:00Z","sequence":"2","data":{"definition":{"id":"home","kind":"http","target":"https://example.org/"}}}],"total":2}`),
		"POST /checks":                        answer(201, home),
		"PATCH /checks/home":                  answer(200, home),
		"PUT /checks/home":                    answer(200, home),
		"POST /checks/home/run":               answer(200, failing),
		"POST /checks/test": answer(200, `{"outcome":"success","duration_ms":3.2,"attempts":1,"location":"default","runner":"r","started_at":"2026-03-04T12:00:00Z",
			"assertions":[{"expression":"status == 200","passed":true,"actual":"200"}],"wire":[{"at_ms":0.21,"what":"lookup","text":"example.org: 192.0.2.10"},{"at_ms":1.5,"what":"connect","text":"192.0.2.10:443"},
			{"at_ms":2.25,"what":"sent","text":"GET / HTTP\nAuthorization: •••\n\n","bytes":42},{"at_ms":12.5,"what":"received","text":"HTTP/1.1 200 OK\n\nhello \\x1b\u001b[2J","bytes":1234},{"at_ms":0,"what":"more","text":"there is more than a result has room for"}]}`),
		"DELETE /checks/home": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	})
}

func TestTablesAreAsTheyShouldBe(t *testing.T) {
	s := board(t)
	for name, args := range map[string]string{
		"check-ls": "check ls", "check-get": "check get home", "service-ls": "service ls", "service-get": "service get web",
		"overview": "overview", "incidents": "incidents", "runners": "runners", "projection-ls": "projection ls",
		"correction-list": "correction list", "correction-show": "correction show home-2026-03-01",
		"kinds": "kinds", "kinds-http": "kinds http", "events": "events",
		"check-get-yaml": "check get home -o yaml", "check-ls-json": "check ls -o json", "events-json": "events -o json",
	} {
		t.Run(name, func(t *testing.T) {
			o := s.run(t, "", nil, strings.Fields(args)...)
			require.Zero(t, o.code, o.err)
			require.NotContains(t, o.out, "\x1b", "neither colours nor what a target sends reaches a file")
			golden(t, name+".golden", o.out)
		})
	}
}

func TestJSONHoldsWhateverTheServerSent(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{"GET /checks/home": answer(200, `{"id":"home","of_a_newer_server":[1,2]}`)})
	o := s.run(t, "", nil, "check", "get", "home", "-o", "json")
	require.Zero(t, o.code, o.err)
	require.JSONEq(t, `{"id":"home","of_a_newer_server":[1,2]}`, o.out)
}

func TestListsReadEveryPage(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{"GET /checks": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			answer(200, `{"items":[{"id":"a"}],"next_cursor":"more","total":2}`)(w, r)
			return
		}
		answer(200, `{"items":[{"id":"b"}],"total":2}`)(w, r)
	}})
	o := s.run(t, "", nil, "check", "ls", "-o", "json")
	require.JSONEq(t, `[{"id":"a"},{"id":"b"}]`, o.out)
}

func TestFlagsBecomeADefinition(t *testing.T) {
	s := board(t)
	o := s.run(t, "", nil, "check", "add", "home", "--service", "web", "--kind", "http", "--target", "https://example.org/",
		"--interval", "30s", "--assert", "status == 200", "--assert", "size(body) > 1, or not", "--failure-threshold", "2",
		"--option", "method=HEAD", "--option", "body=true", "--option", "follow_redirects=false", "--option", "max_redirects=3",
		"--option", "headers.X-A.B=1", "--option", "tls.skip_verify=true", "--label", "team=web", "--location", "default,eu", "--paused")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, "home registered")
	require.Equal(t, map[string]any{
		"id": "home", "service": "web", "kind": "http", "target": "https://example.org/", "interval": "30s",
		"assertions": []any{"status == 200", "size(body) > 1, or not"}, "failure_threshold": 2.0, "paused": true,
		"locations": []any{"default", "eu"}, "labels": map[string]any{"team": "web"},
		"options": map[string]any{
			"method": "HEAD", "body": "true", "follow_redirects": false, "max_redirects": 3.0,
			"headers": map[string]any{"X-A.B": "1"}, "tls": map[string]any{"skip_verify": true},
		},
	}, s.last().body)
}

func TestAFileIsJSONOrYAMLAndFlagsComeFirst(t *testing.T) {
	const inYAML = "id: home\nservice: web\nkind: http\ntarget: https://example.org/\ninterval: 30s\noptions:\n  method: HEAD\n"
	const inJSON = `{"id":"home","service":"web","kind":"http","target":"https://example.org/","interval":"30s","options":{"method":"HEAD"}}`
	s := board(t)
	for name, content := range map[string]string{"a.yaml": inYAML, "a.json": inJSON} {
		file := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		for _, from := range []string{file, "-"} {
			o := s.run(t, content, nil, "check", "add", "-f", from, "--interval", "1m")
			require.Zero(t, o.code, o.err)
			require.Equal(t, map[string]any{
				"id": "home", "service": "web", "kind": "http", "target": "https://example.org/", "interval": "1m",
				"options": map[string]any{"method": "HEAD"},
			}, s.last().body)
		}
	}
}

func TestRunShowsTheResultAndFailsWithIt(t *testing.T) {
	s := board(t)
	o := s.run(t, "", nil, "check", "run", "home")
	require.Equal(t, 1, o.code)
	require.Empty(t, o.err, "the result says it all")
	golden(t, "check-run.golden", o.out)

	o = s.run(t, "", nil, "check", "test", "--kind", "http", "--target", "https://example.org/")
	golden(t, "check-test.golden", o.out)
	require.Zero(t, o.code, o.err)
	o = s.run(t, "", nil, "check", "test", "home", "--timeout", "1s")
	require.Zero(t, o.code, o.err)
	require.Equal(t, "1s", s.last().body["timeout"])
	require.Equal(t, "https://example.org/", s.last().body["target"], "the rest is the registered definition's")
}

func TestExitCodesTellWhatKindOfFailure(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"POST /checks": problem(422, "the definition cannot be used", "interval", "500ms is out of bounds: use 1s to 24h", "kind", `"htp" is not known: use http, dns`),
		"GET /checks":  problem(401, "a token is needed"),
		"GET /runners": answer(502, "<html>Bad gateway</html>"),
	})
	o := s.run(t, "", nil, "check", "add", "x", "--kind", "htp", "--interval", "500ms")
	require.Equal(t, 4, o.code)
	require.Equal(t, "the definition cannot be used\n  interval  500ms is out of bounds: use 1s to 24h\n  kind      \"htp\" is not known: use http, dns", o.err)

	o = s.run(t, "", nil, "check", "get", "nothing")
	require.Equal(t, 3, o.code)
	o = s.run(t, "", nil, "check", "ls")
	require.Equal(t, 4, o.code)
	require.Contains(t, o.err, "VEDETTE_TOKEN")
	o = s.run(t, "", nil, "runners")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "502")
	require.NotContains(t, o.err, "<html>")

	o = s.run(t, "", nil, "check", "rm", "a", "b")
	require.Equal(t, 3, o.code)
	require.Contains(t, o.err, "a: ")
	require.Contains(t, o.err, "b: ", "one that fails does not keep the others from being done")
}

func TestWrongUsageAsksNothingOfTheServer(t *testing.T) {
	s := board(t)
	for args, want := range map[string]string{
		"check get":                         "name the check",
		"check get a b":                     `"b" is one argument too many`,
		"check ls x":                        `"x" is one argument too many`,
		"check ls -o xml":                   `use table, json, yaml`,
		"check frobnicate":                  `no command "frobnicate"`,
		"check rum home":                    "did you mean rm or run?",
		"check add":                         "say what to check",
		"check test":                        "say what to test",
		"check add --retries many":          "many",
		"check add -f /nowhere/at/all":      "no such file",
		"check add --kind http --label x":   `--label "x": use name=value`,
		"check add --kind http --option =x": `--option "=x": use name=value`,
		"check rm":                          "name at least one check",
		"service edit web":                  "say what to change",
		"service add":                       "name the service",
		"events --limit x":                  "limit",
	} {
		o := s.run(t, "", nil, strings.Fields(args)...)
		require.Equal(t, 2, o.code, "%s: %s", args, o.err)
		require.Contains(t, o.err, want, args)
		require.Empty(t, o.out, args)
	}
	o := s.run(t, "- a\n- b\n", nil, "check", "add", "-f", "-")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.err, "holds no object")
	o = s.run(t, "a: [b\n", nil, "check", "add", "-f", "-")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.err, "neither JSON nor YAML")
	require.Zero(t, s.requests())
}

func TestAServerThatIsNotThereIsExplained(t *testing.T) {
	s := board(t)
	s.Close()
	o := s.run(t, "", nil, "overview")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "cannot be reached")
	require.Contains(t, o.err, "vedette up")
}

func TestShellsCompleteWhatTheServerHas(t *testing.T) {
	s := board(t)
	for args, want := range map[string]string{
		"check get ":                        "home-dns\tup example.org",
		"check ls --service ":               "web\tWeb site",
		"check add --kind ":                 "http\tAsks a web server.",
		"check add x --kind http --option ": "max_redirects=\tHow many.",
		"check ls --status ":                "degraded",
		"events --type ":                    "vedette.incident.opened.v1",
		"kinds ":                            "http",
	} {
		o := s.run(t, "", nil, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		require.Contains(t, o.out, want, args)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	s := board(t)
	for _, args := range []string{"check", "check ls", "check get", "check add", "check edit", "check rm", "check pause", "check resume",
		"check run", "check test", "service", "service ls", "service get", "service add", "service edit", "service rm", "overview",
		"incidents", "runners", "events", "projection", "projection ls", "kinds"} {
		o := s.run(t, "", nil, append(strings.Fields(args), "--help")...)
		require.Zero(t, o.code)
		require.Contains(t, o.out, "Examples:\n  vedette ", args)
	}
	o := s.run(t, "", nil, "check", "add", "--help")
	golden(t, "check-add-help.golden", o.out)
}

func TestAFollowerGoesOnWhereItsConnectionBroke(t *testing.T) {
	connections := 0
	s := serve(t, map[string]http.HandlerFunc{"GET /events/stream": func(w http.ResponseWriter, r *http.Request) {
		connections++
		w.Header().Set("Content-Type", "text/event-stream")
		event := func(id string) string {
			raw, _ := json.Marshal(map[string]any{"id": id, "type": "vedette.check.paused.v1", "subject": "check/home", "time": now(), "sequence": id, "data": map[string]any{}})
			return "id: " + id + "\nevent: vedette.check.paused.v1\ndata: " + string(raw) + "\n\n"
		}
		if connections == 1 {
			_, _ = io.WriteString(w, ": hello\n\n"+event("7")+"id: 8\ndata: {\"cut") // it breaks off within an event
			return
		}
		_, _ = io.WriteString(w, event("8")+event("9"))
	}})
	o := s.run(t, "", nil, "events", "--follow", "--limit", "3", "--after", "6", "--type", "check.paused", "-o", "json")
	require.Zero(t, o.code, o.err)
	require.Equal(t, 3, strings.Count(o.out, "\n"))
	require.Contains(t, o.err, "trying again")
	require.Equal(t, "7", s.last().header.Get("Last-Event-ID"))
	require.Contains(t, s.last().query, "after=6")
	require.Contains(t, s.last().query, "type=vedette.check.paused.v1")
}
