package httpcheck

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// The ways to log in.
const (
	noAuth = "none"
	basic  = "basic"
	bearer = "bearer"
	digest = "digest"
	oauth2 = "oauth2"
)

// checkAuth wants all that the way to log in needs, and nothing that it has no use for.
func checkAuth(problems *monitor.Problems, a Auth) {
	const cure = "give it as secret://name, and the runner its value"
	for _, field := range []struct {
		name, value   string
		secret, needs bool
		types         []string
	}{
		{"username", a.Username, false, true, []string{basic, digest}},
		{"password", a.Password, true, true, []string{basic, digest}},
		{"token", a.Token, true, true, []string{bearer}},
		{"token_url", a.TokenURL, false, true, []string{oauth2}},
		{"client_id", a.ClientID, false, true, []string{oauth2}},
		{"client_secret", a.ClientSecret, true, true, []string{oauth2}},
		{"scopes", strings.Join(a.Scopes, " "), false, false, []string{oauth2}},
		{"parameters", given(a.Parameters), false, false, []string{oauth2}},
	} {
		at, used := "options.auth."+field.name, strings.Contains(" "+strings.Join(field.types, " ")+" ", " "+a.Type+" ")
		switch {
		case !used && field.value != "":
			problems.Add(at, "is of no use where options.auth.type is %s: use it with %s, or leave it out", a.Type, strings.Join(field.types, " or "))
		case !used:
		case field.value == "" && field.needs && field.secret:
			problems.Add(at, "is missing, which %s needs: %s", a.Type, cure)
		case field.value == "" && field.needs:
			problems.Add(at, "is missing, which %s needs: give it", a.Type)
		case field.secret && !strings.Contains(field.value, secretPrefix):
			problems.Add(at, "holds the secret itself: %s", cure)
		}
	}
	if a.Type == oauth2 {
		checkTokenRequest(problems, a)
	}
}

func given(parameters map[string]string) string {
	if len(parameters) == 0 {
		return ""
	}
	return "given"
}

func checkTokenRequest(problems *monitor.Problems, a Auth) {
	if a.TokenURL != "" && targetProblem(a.TokenURL) != "" {
		problems.Add("options.auth.token_url", "%s", targetProblem(a.TokenURL))
	}
	for i, scope := range a.Scopes {
		// RFC 6749, 3.3
		if scope == "" || strings.ContainsAny(scope, " \"\\") || !validValue(scope) {
			problems.Add(fmt.Sprintf("options.auth.scopes[%d]", i), "is no scope: use one without spaces and quotes on each line")
		}
	}
	for name := range a.Parameters {
		switch name {
		case "grant_type", "scope", "client_id", "client_secret", "":
			problems.Add("options.auth.parameters."+name, "is set by the runner: leave it out")
		}
	}
}

// shownToken is the fetched token that a request shows, if any.
type shownToken struct {
	grant grant
	value string
	// fresh is whether it was fetched just now.
	fresh bool
}

// authorize puts into the request what logs it in, but for digest, which answers the server.
func (p *probe) authorize(ctx context.Context, tools executor.Tools, request *http.Request) (shown shownToken, err error) {
	switch p.options.Auth.Type {
	case basic:
		username, password, err := p.userAndPassword(tools)
		if err != nil {
			return shown, err
		}
		request.SetBasicAuth(username, password)
	case bearer:
		token, err := tools.Secret(p.options.Auth.Token)
		if err != nil {
			return shown, err
		}
		if !validValue(token) {
			return shown, fmt.Errorf("%w: with its secrets put in, options.auth.token holds control characters", executor.ErrSecret)
		}
		request.Header.Set("Authorization", "Bearer "+token)
	case oauth2:
		if shown.grant, err = p.grant(tools); err != nil {
			return shown, err
		}
		var found token
		found, shown.fresh, err = p.tokens.get(ctx, shown.grant, func() (token, error) { return p.fetchToken(ctx, tools, shown.grant) })
		if err != nil {
			return shown, err
		}
		shown.value = found.value
		tools.Hide(found.value)
		request.Header.Set("Authorization", "Bearer "+found.value)
	}
	return shown, nil
}

// userAndPassword are for basic (RFC 7617) and digest.
func (p *probe) userAndPassword(tools executor.Tools) (username, password string, err error) {
	if username, err = tools.Secret(p.options.Auth.Username); err != nil {
		return "", "", err
	}
	if password, err = tools.Secret(p.options.Auth.Password); err != nil {
		return "", "", err
	}
	if !validValue(username+password) || (p.options.Auth.Type == basic && strings.Contains(username, ":")) {
		return "", "", fmt.Errorf("%w: with its secrets put in, options.auth.username or password holds control characters, or the user a colon", executor.ErrSecret)
	}
	return username, password, nil
}
