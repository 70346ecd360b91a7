package httpcheck_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rfc7616 "github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/monitor"
)

func auth(pairs ...string) map[string]any {
	options := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		options[pairs[i]] = pairs[i+1]
	}
	return map[string]any{"auth": options}
}

func TestBasicAndBearer(t *testing.T) {
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		switch {
		case ok && user == "me" && password == executortest.Secret, r.Header.Get("Authorization") == "Bearer "+strings.ReplaceAll(executortest.Secret, "å", "å"):
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	for _, options := range []map[string]any{auth("type", "basic", "username", "me", "password", "secret://token"), auth("type", "bearer", "token", "secret://token")} {
		r := execute(t, url, options)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		r = execute(t, url, options, `body == ""`)
		require.Regexp(t, `actual "(Basic|Bearer) [^ ]*•••[^ ]*"`, r.Error)
	}
	r := execute(t, url, auth("type", "basic", "username", "you", "password", "secret://token"))
	require.Equal(t, "status 401 Unauthorized", r.Error)
	r = execute(t, url, auth("type", "basic", "username", "a:b", "password", "secret://token"))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "or the user a colon")
	r = execute(t, url, auth("type", "bearer", "token", "secret://gone"))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
}

func TestWhatLoggingInNeeds(t *testing.T) {
	whole := func(pairs ...string) map[string]any {
		return auth(append([]string{"type", "oauth2", "token_url", "https://id.example.org/", "client_id", "a", "client_secret", "secret://s"}, pairs...)...)
	}
	for _, c := range []struct {
		options     map[string]any
		field, text string
	}{
		{auth("type", "basic", "username", "me"), "password", "is missing, which basic needs: give it as secret://name"},
		{auth("type", "digest", "password", "secret://p"), "username", "is missing, which digest needs"},
		{auth("type", "basic", "username", "me", "password", "pass"), "password", "holds the secret itself: give it as secret://name"},
		{auth("type", "bearer"), "token", "is missing, which bearer needs"},
		{auth("username", "me"), "username", "is of no use where options.auth.type is none: use it with basic or digest"},
		{auth("type", "bearer", "token", "secret://t", "client_id", "x"), "client_id", "use it with oauth2"},
		{whole("client_secret", ""), "client_secret", "is missing, which oauth2 needs"},
		{whole("token_url", "id.example.org"), "token_url", "use a URL that does"},
	} {
		p := problem(t, "http://example.org/", c.options)
		require.Equal(t, "options.auth."+c.field, p.Field)
		require.Contains(t, p.Message, c.text)
	}
	options := whole()
	options["auth"].(map[string]any)["scopes"] = []string{"a", "b c"}
	require.Equal(t, "options.auth.scopes[1]", problem(t, "http://example.org/", options).Field)
	options = whole()
	options["auth"].(map[string]any)["parameters"] = map[string]string{"scope": "a"}
	require.Equal(t, "options.auth.parameters.scope", problem(t, "http://example.org/", options).Field)
}

// digestServer lets in who knows the password, by an algorithm, and counts the requests.
func digestServer(t *testing.T, challenge string) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	return executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		body, _ := io.ReadAll(r.Body)
		given, err := rfc7616.ParseCredentials(r.Header.Get("Authorization"))
		if err != nil {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		wanted, err := rfc7616.ParseChallenge(challenge)
		if err == nil {
			var right *rfc7616.Credentials
			right, err = rfc7616.Digest(wanted, rfc7616.Options{
				Method: r.Method, URI: r.URL.RequestURI(), Username: "me", Password: executortest.Secret, Cnonce: given.Cnonce, Count: given.Nc,
				GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(body))), nil },
			})
			if err == nil && right.Response != given.Response {
				w.WriteHeader(http.StatusForbidden)
				return
			}
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, given.Algorithm, body)
	}), requests
}

func TestDigest(t *testing.T) {
	options := auth("type", "digest", "username", "me", "password", "secret://token")
	options["method"], options["body"] = "POST", "hello"
	for algorithm, challenge := range map[string]string{
		"MD5":     `Digest realm="a, b", nonce="n", qop="auth", algorithm=MD5, opaque="o"`,
		"":        `Digest realm="a", nonce="n"`,
		"SHA-256": `Digest realm="a", nonce="n", qop="auth,auth-int", algorithm=SHA-256, userhash=true`,
	} {
		url, requests := digestServer(t, challenge)
		r := execute(t, url+"/x?y=z", options, `body == "POST `+algorithm+` hello"`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		require.EqualValues(t, 2, requests.Load())
	}
	url, _ := digestServer(t, `Digest realm="a", nonce="n", qop="auth"`)
	wrong := auth("type", "digest", "username", "you", "password", "secret://token")
	require.Equal(t, "status 403 Forbidden", execute(t, url, wrong).Error)
	for _, challenge := range []string{`Digest realm="a", nonce="n", algorithm=MD5-sess`, `Digest realm="a", nonce="n", qop="auth", algorithm=MD4-sess`, `Basic realm="a"`, `Digest realm="`} {
		url, _ = digestServer(t, challenge)
		r := execute(t, url, options)
		require.Equal(t, monitor.OutcomeFailure, r.Outcome)
		require.Contains(t, r.Error, "the server asks for no digest that is known: there are MD5, SHA-256")
	}
	open := executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {})
	require.Equal(t, monitor.OutcomeSuccess, execute(t, open, options).Outcome, "a server need not ask")
}

// TestLoggingInDoesNotFollowToAnotherHost, whatever the other asks for.
func TestLoggingInDoesNotFollowToAnotherHost(t *testing.T) {
	seen := make(chan string, 1)
	other := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Digest realm="a", nonce="n"`)
		w.WriteHeader(http.StatusUnauthorized)
		seen <- r.Header.Get("Authorization")
	})
	url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) })
	for _, options := range []map[string]any{
		auth("type", "basic", "username", "me", "password", "secret://token"), auth("type", "digest", "username", "me", "password", "secret://token"), auth("type", "bearer", "token", "secret://token"),
	} {
		require.Equal(t, "status 401 Unauthorized", execute(t, url, options).Error)
		require.Empty(t, <-seen)
		require.Empty(t, seen, "it is asked once")
	}
}

// tokenServer gives out tokens t0ken-1, t0ken-2, … for a client that knows the secret.
type tokenServer struct {
	url    string
	issued atomic.Int64
	// answer is set for another answer.
	answer atomic.Pointer[http.HandlerFunc]
	life   atomic.Int64
	seen   sync.Map
}

func serveTokens(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{}
	s.life.Store(3600)
	s.url = executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if answer := s.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		_ = r.ParseForm()
		id, secret, ok := r.BasicAuth()
		if !ok {
			id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		}
		for name := range r.PostForm {
			s.seen.Store(name, r.PostForm.Get(name))
		}
		w.Header().Set("Content-Type", "application/json")
		if r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "client_credentials" || id != "me" || (secret != executortest.Secret && secret != "s3cret%2F%22v%C3%A5lue%22+%26+more") {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"who is `+id+`?"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("t0ken-%d", s.issued.Add(1)), "token_type": "bearer", "expires_in": s.life.Load()})
	})
	return s
}

func (s *tokenServer) options(pairs ...string) map[string]any {
	return auth(append([]string{"type", "oauth2", "token_url", s.url + "/token", "client_id", "me", "client_secret", "secret://token"}, pairs...)...)
}

// guarded lets in who shows a token that is not revoked, and says which.
func guarded(t *testing.T, revoked *atomic.Value) string {
	t.Helper()
	return executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer t0ken-")
		if gone, _ := revoked.Load().(string); !ok || token == gone || gone == "all" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, token+" "+r.Header.Get("Authorization"))
	})
}

func engineOf(t *testing.T, e executor.Executor, change ...func(*executor.Environment)) func(target string, options any, assertions ...string) monitor.Result {
	t.Helper()
	engine := executortest.Engine(t, []executor.Executor{e}, change...)
	return func(target string, options any, assertions ...string) monitor.Result {
		d := monitor.Definition{Kind: "http", Target: target, Options: executortest.Options(t, options), Assertions: assertions, Timeout: monitor.Duration(2 * time.Second)}
		return engine.Execute(t.Context(), executortest.Execution(d))
	}
}

func TestTokensAreFetchedOnce(t *testing.T) {
	tokens := serveTokens(t)
	var revoked atomic.Value
	url := guarded(t, &revoked)
	run := engineOf(t, httpcheck.Executor{Tokens: httpcheck.NewTokens()})
	for _, path := range []string{"/a", "/b", "/a"} { // two checks share it
		r := run(url+path, tokens.options(), `body.startsWith("1 ")`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
	}
	r := run(url, tokens.options(), `body == ""`)
	require.Contains(t, r.Error, `actual "1 Bearer •••"`, "a token is a secret too")
	require.EqualValues(t, 1, tokens.issued.Load())

	t.Run("another for another grant", func(t *testing.T) {
		scoped := tokens.options("client_in", "body")
		scoped["auth"].(map[string]any)["scopes"] = []string{"read", "write"}
		scoped["auth"].(map[string]any)["parameters"] = map[string]string{"audience": "https://api.example.org/"}
		r := run(url, scoped, `body.startsWith("2 ")`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		scope, _ := tokens.seen.Load("scope")
		audience, _ := tokens.seen.Load("audience")
		require.Equal(t, []any{"read write", "https://api.example.org/"}, []any{scope, audience})
	})
	t.Run("another when it is refused", func(t *testing.T) {
		revoked.Store("1")
		r := run(url, tokens.options(), `status == 200 && body.startsWith("3 ")`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, r.Error)
		require.EqualValues(t, 3, tokens.issued.Load())
		revoked.Store("all")
		r = run(url, tokens.options())
		require.Equal(t, "status 401 Unauthorized", r.Error, "a new one is asked for once")
		require.EqualValues(t, 4, tokens.issued.Load())
		revoked.Store("")
	})
	t.Run("another when it has expired", func(t *testing.T) {
		tokens.life.Store(1)
		short := httpcheck.Executor{Tokens: httpcheck.NewTokens()}
		run := engineOf(t, short)
		before := tokens.issued.Load()
		require.Equal(t, monitor.OutcomeSuccess, run(url, tokens.options()).Outcome)
		require.Eventually(t, func() bool {
			return run(url, tokens.options()).Outcome == monitor.OutcomeSuccess && tokens.issued.Load() > before+1
		}, 5*time.Second, 50*time.Millisecond)
		tokens.life.Store(3600)
	})
}

func TestTokensAreSharedByExecutionsAtOnce(t *testing.T) {
	tokens := serveTokens(t)
	url := guarded(t, new(atomic.Value))
	run := engineOf(t, httpcheck.Executor{Tokens: httpcheck.NewTokens()})
	var all sync.WaitGroup
	var good atomic.Int64
	const many = 20
	for i := range many {
		all.Go(func() {
			if run(fmt.Sprintf("%s/%d", url, i), tokens.options()).Outcome == monitor.OutcomeSuccess {
				good.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, many, good.Load())
	require.EqualValues(t, 1, tokens.issued.Load())
}

func TestWhyThereIsNoToken(t *testing.T) {
	tokens := serveTokens(t)
	url := guarded(t, new(atomic.Value))
	other := executortest.ServeHTTP(t, func(http.ResponseWriter, *http.Request) { t.Error("the secret follows no redirect") })
	silent := executortest.ServeConns(t, nothing)
	answering := func(status int, body string, header ...string) *http.HandlerFunc {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		return &h
	}
	for name, c := range map[string]struct {
		answer  *http.HandlerFunc
		options map[string]any
		outcome monitor.Outcome
		text    string
	}{
		"refused":      {nil, tokens.options("client_id", "you"), monitor.OutcomeError, "no token: the token server answered 401 invalid_client (who is you?): mend options.auth"},
		"broken":       {answering(503, "sorry"), tokens.options(), monitor.OutcomeFailure, "no token: the token server answered 503"},
		"led away":     {answering(307, "", "Location", other), tokens.options(), monitor.OutcomeError, "no token: the token server answered 307"},
		"no JSON":      {answering(200, "<html>"), tokens.options(), monitor.OutcomeFailure, "no token: oauth2: cannot parse json"},
		"no token":     {answering(200, "{}"), tokens.options(), monitor.OutcomeFailure, "no token: oauth2: server response missing access_token"},
		"other type":   {answering(200, `{"access_token":"a","token_type":"mac"}`), tokens.options(), monitor.OutcomeFailure, "it has to be of type Bearer"},
		"control":      {answering(200, `{"access_token":"a\r\nb"}`), tokens.options(), monitor.OutcomeFailure, "one that cannot be used"},
		"endless":      {answering(200, `{"access_token":"`+strings.Repeat("a", 1<<20)), tokens.options(), monitor.OutcomeFailure, "no token: oauth2: cannot parse json"},
		"nobody":       {nil, tokens.options("token_url", "http://"+executortest.Closed(t, "tcp")), monitor.OutcomeFailure, "no token: connection refused: 127.0.0.1:"},
		"silence":      {nil, tokens.options("token_url", "http://"+silent), monitor.OutcomeFailure, "no token: timed out while asking for it"},
		"forbidden":    {nil, tokens.options("token_url", "http://169.254.169.254/"), monitor.OutcomeError, "link-local"},
		"secret host":  {nil, tokens.options("token_url", "http://secret://token"), monitor.OutcomeFailure, "no token: no such host: •••"},
		"no secret":    {nil, tokens.options("client_secret", "secret://nope"), monitor.OutcomeError, "VEDETTE_SECRET_NOPE"},
		"not trusted ": {nil, tokens.options("token_url", "https"+strings.TrimPrefix(tokens.url, "http")), monitor.OutcomeFailure, "no token: the token server speaks HTTP, not HTTPS"},
	} {
		t.Run(name, func(t *testing.T) {
			tokens.answer.Store(c.answer)
			defer tokens.answer.Store(nil)
			engine := executortest.Engine(t, []executor.Executor{httpcheck.Executor{}})
			d := monitor.Definition{Kind: "http", Target: url, Options: executortest.Options(t, c.options), Timeout: monitor.Duration(time.Second)}
			r := engine.Execute(t.Context(), executortest.Execution(d))
			require.Equal(t, c.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, c.text)
			require.NotContains(t, r.Error, "s3cret")
		})
	}
}

// TestThePolicyAppliesToTheTokenServer as resolved.
func TestThePolicyAppliesToTheTokenServer(t *testing.T) {
	tokens := serveTokens(t)
	run := engineOf(t, httpcheck.Executor{}, func(env *executor.Environment) {
		env.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	r := run("http://192.0.2.1/", tokens.options("token_url", strings.Replace(tokens.url, "127.0.0.1", "localhost", 1)))
	require.Equal(t, monitor.OutcomeError, r.Outcome)
	require.Contains(t, r.Error, "denied by --deny")
	require.Zero(t, tokens.issued.Load())
}

func FuzzDigestChallenge(f *testing.F) {
	f.Add(`Digest realm="a", nonce="n", qop="auth", algorithm=SHA-256`)
	f.Add(`Digest realm="\"`)
	f.Fuzz(func(t *testing.T, header string) {
		challenge, err := rfc7616.FindChallenge(http.Header{"Www-Authenticate": {header}})
		if err != nil {
			return
		}
		_, _ = rfc7616.Digest(challenge, rfc7616.Options{Method: "GET", URI: "/", Count: 1, Username: "me", Password: "you"})
	})
}
