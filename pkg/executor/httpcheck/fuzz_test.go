package httpcheck

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	oauth "golang.org/x/oauth2"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// FuzzJSON: what is taken as JSON is JSON still when secrets have been put into it.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":["secret://x",1e400,null]}`, "\"\n\\")
	f.Add(`"secret://x"`, "\x00\xff")
	f.Fuzz(func(t *testing.T, text, secret string) {
		value, problem := parseJSON(text)
		if problem != "" {
			return
		}
		tools := executor.Tools{Secret: func(text string) (string, error) { return strings.ReplaceAll(text, "secret://x", secret), nil }}
		sent, err := content{kind: asJSON, value: value}.render(tools)
		require.NoError(t, err)
		require.True(t, json.Valid([]byte(sent)), sent)
	})
}

// FuzzQuery reads whatever may come back of a GraphQL query.
func FuzzQuery(f *testing.F) {
	for _, body := range []string{`{"data":{}}`, `{"errors":[{"message":"a"}]}`, `{"errors":{}}`, `{"errors":[[]]}`, `[`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		require.True(t, utf8.ValidString(wrongOfQuery(strings.ToValidUTF8(body, ""), false)))
	})
}

// FuzzCut holds what results keep of an answer to its bound.
func FuzzCut(f *testing.F) {
	f.Add("<a>\n\"é\u2028", uint16(10))
	f.Fuzz(func(t *testing.T, text string, most uint16) {
		const mark = 3
		text = strings.ToValidUTF8(text, "")
		cut := cutAsJSON(text, int(most))
		raw, err := json.Marshal(cut)
		require.NoError(t, err)
		require.LessOrEqual(t, len(raw)-2, int(most)+mark)
		require.True(t, strings.HasPrefix(text, strings.TrimSuffix(cut, "…")))
	})
}

type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(request *http.Request) (*http.Response, error) { return a(request) }

// FuzzToken reads whatever a token server may send.
func FuzzToken(f *testing.F) {
	f.Add(200, "application/json", `{"access_token":"a","token_type":"bearer","expires_in":"60"}`)
	f.Add(400, "application/json", `{"error":"invalid_client","error_description":"\u0000"}`)
	f.Add(200, "application/x-www-form-urlencoded", "access_token=a&expires_in=1")
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		client := &http.Client{Transport: answering(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Request: r, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}
		var problems monitor.Problems
		checkAuth(&problems, Auth{Type: oauth2, TokenURL: "http://id.test/", ClientID: "a", ClientSecret: "secret://b"})
		require.Empty(t, problems)
		g := grant{}
		g.TokenURL, g.AuthStyle = "http://id.test/", oauth.AuthStyleInHeader
		found, err := g.Token(context.WithValue(t.Context(), oauth.HTTPClient, client))
		if err != nil {
			err = noToken(err)
			require.True(t, strings.HasPrefix(err.Error(), "no token: "), err)
			require.False(t, status >= 500 && errors.Is(err, executor.ErrSetup), "a server's trouble is no fault of the check's: %v", err)
			return
		}
		_, err = usableToken(found, time.Now())
		require.True(t, err == nil || strings.HasPrefix(err.Error(), "no token: "), err)
	})
}
