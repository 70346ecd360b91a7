package cli_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const replayed = `{"service":"web","from":"2026-03-03T12:00:00Z","to":"2026-03-04T12:00:00Z","set":{"failure_threshold":3,"rollup":"best"},
 "replayed_from":"2026-03-03T12:00:00Z","complete":true,"faithful":true,"notes":["the change does not fit 1 checks\u001b[2J"],
 "results":5760,"regraded":0,"not_replayable":0,"unretried":0,"coverage":{"expected":5760,"found":5700,"share":0.98958},
 "incidents":[
  {"kind":"lost","check_id":"home","happened":{"opened_at":"2026-03-03T14:00:00Z","resolved_at":"2026-03-03T14:01:00Z","cause":"status 503"},"later_ms":0},
  {"kind":"moved","check_id":"home","happened":{"opened_at":"2026-03-04T08:00:00Z","resolved_at":"2026-03-04T08:30:00Z","cause":"status 503","detection_ms":0},"would":{"opened_at":"2026-03-04T08:01:00Z","resolved_at":"2026-03-04T08:30:00Z","cause":"status 503","detection_ms":60000},"later_ms":60000},
  {"kind":"gained","check_id":"home-dns","would":{"opened_at":"2026-03-04T09:00:00Z","resolved_at":"2026-03-04T09:02:00Z","cause":"no A record"},"later_ms":0},
  {"kind":"kept","check_id":"home-dns","happened":{"opened_at":"2026-03-04T11:00:00Z","cause":"no A record"},"would":{"opened_at":"2026-03-04T11:00:00Z","cause":"no A record"},"later_ms":0}],
 "happened":{"incidents":3,"alerts":5,"status_changes":6,"down_ms":5460000,"degraded_ms":0,"unknown_ms":0,"detection_ms":0,"slowest_detection_ms":0},
 "would":{"incidents":3,"alerts":5,"status_changes":6,"down_ms":5460000,"degraded_ms":60000,"unknown_ms":0,"detection_ms":60000,"slowest_detection_ms":60000},
 "of_service":{"happened":{"down_ms":5460000},"would":{"down_ms":3600000},"timeline":{"happened":[],"would":[]}},"checks":[]}`

func stream(body string) http.HandlerFunc {
	return answer(200, body, "Content-Type", "text/event-stream")
}

func TestWhatIf(t *testing.T) {
	told := "event: progress\ndata: {\"reading\":\"results\",\"done\":1,\"total\":2,\"left_ms\":0}\n\n: alive\n\nevent: report\ndata: " + strings.ReplaceAll(replayed, "\n", "") + "\n\n"
	s := serve(t, map[string]http.HandlerFunc{"POST /replays": stream(told)})
	o := s.run(t, "", nil, "replay", "what-if", "--service", "web", "--from", "-24h", "--set", "failure_threshold=3", "--set", "rollup=best",
		"--set", "assertions=status == 200", "--set", "assertions=latency_ms < 3.0", "--set", "degraded_after=500ms", "--set", "invert=false")
	require.Zero(t, o.code, o.err)
	require.Empty(t, o.err, "no meter where nobody sees it")
	golden(t, "replay-what-if.golden", o.out)
	asked := s.last()
	require.Equal(t, "text/event-stream", asked.header.Get("Accept"))
	require.Equal(t, map[string]any{
		"service": "web", "from": "-24h",
		"set": map[string]any{
			"failure_threshold": 3.0, "rollup": "best", "assertions": []any{"status == 200", "latency_ms < 3.0"}, "degraded_after": "500ms", "invert": false,
		},
	}, asked.body)
	o = s.run(t, "", nil, "replay", "what-if", "--check", "home", "--maintenance", "2026-03-04T02:00:00Z/2026-03-04T03:00:00Z", "--maintenance", "*/5 2 * * sun/1h")
	require.Zero(t, o.code, o.err)
	require.Equal(t, map[string]any{"maintenance": []any{
		map[string]any{"from": "2026-03-04T02:00:00Z", "to": "2026-03-04T03:00:00Z"}, map[string]any{"cron": "*/5 2 * * sun", "duration": "1h"},
	}}, s.last().body["set"])
	o = s.run(t, "", nil, "replay", "what-if", "--check", "home", "-o", "json")
	require.Zero(t, o.code, o.err)
	require.Contains(t, o.out, `"kind": "lost"`)
	require.NotContains(t, o.out, "\x1b")
}

func TestWhatIfThatCannotBeAnswered(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{"POST /replays": problem(422, "one field is wrong", "set.interval", "cannot be replayed")})
	ask := func(s *server, more ...string) outcome {
		return s.run(t, "", nil, append([]string{"replay", "what-if"}, more...)...)
	}
	o := ask(s, "--service", "web", "--set", "interval=1m")
	require.Equal(t, 4, o.code)
	require.Contains(t, o.err, "set.interval  cannot be replayed")
	for _, wrong := range [][]string{
		{}, {"--service", "web", "--check", "home"}, {"--service", "web", "--set", "quorum"},
		{"--service", "web", "--set", "quorum=1", "--set", "quorum=2"}, {"--service", "web", "home"},
	} {
		require.Equal(t, 2, ask(s, wrong...).code, "%v", wrong)
	}
	missing := serve(t, map[string]http.HandlerFunc{"POST /replays": stream("event: problem\ndata: {\"status\":404,\"detail\":\"check none: not found\"}\n\n")})
	o = ask(missing, "--check", "none")
	require.Equal(t, 3, o.code)
	require.Contains(t, o.err, "check none: not found")
	cut := serve(t, map[string]http.HandlerFunc{"POST /replays": stream("event: progress\ndata: {}\n\n")})
	o = ask(cut, "--check", "home")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "without an answer")
}
