package httpcheck

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	oauth "golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vedette/vedette/pkg/executor"
)

// maxTokenAnswer bounds what is read of a token server's answer, in bytes.
const maxTokenAnswer = 64 << 10

// grant is a request for a token by client credentials (RFC 6749, 4.4), its secrets put in.
type grant struct {
	clientcredentials.Config
}

// grant puts the secrets into the options.
func (p *probe) grant(tools executor.Tools) (g grant, err error) {
	a := p.options.Auth
	fill := func(text string) (filled string) {
		if err == nil {
			filled, err = tools.Secret(text)
		}
		return filled
	}
	g.TokenURL, g.ClientID, g.ClientSecret = fill(a.TokenURL), fill(a.ClientID), fill(a.ClientSecret)
	g.Scopes, g.EndpointParams, g.AuthStyle = a.Scopes, make(url.Values, len(a.Parameters)), oauth.AuthStyleInHeader
	for name, text := range a.Parameters {
		g.EndpointParams.Set(name, fill(text))
	}
	if a.ClientIn == "body" {
		g.AuthStyle = oauth.AuthStyleInParams
	}
	if err == nil {
		err = usable("options.auth.token_url", a.TokenURL, g.TokenURL, tools)
	}
	return g, err
}

// key is the same for grants that get the same token.
func (g grant) key() [sha256.Size]byte {
	scopes := slices.Sorted(slices.Values(g.Scopes))
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %d", g.TokenURL, g.ClientID, g.ClientSecret, scopes, g.EndpointParams.Encode(), g.AuthStyle))
}

// fetchToken asks the token server, on a connection of its own, following no redirect, as the secret
// is for that server alone. Its certificate is verified even where the target's is not.
func (p *probe) fetchToken(ctx context.Context, tools executor.Tools, g grant) (token, error) {
	security := p.tls.Stranger("")
	security.InsecureSkipVerify = false
	transport, err := p.transport(tools, "auto", strings.HasPrefix(g.TokenURL, "https:"), security)
	if err != nil {
		return token{}, err
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// What goes over the wire holds the secret in forms of this server's own, and the token.
	tools.Wire.Note("token", "asked for at "+p.options.Auth.TokenURL)
	begun := time.Now()
	found, err := g.Token(context.WithValue(ctx, oauth.HTTPClient, client))
	if err != nil {
		return token{}, noToken(err)
	}
	return usableToken(found, begun)
}

// usableToken wants a bearer token, asked for at a time.
func usableToken(found *oauth.Token, begun time.Time) (token, error) {
	if !validValue(found.AccessToken) || !strings.EqualFold(found.Type(), "Bearer") {
		return token{}, noToken(errors.New("the token server sent one that cannot be used: it has to be of type Bearer"))
	}
	return token{value: found.AccessToken, until: keepUntil(begun, found.Expiry)}, nil
}

// noToken says in plain words why there is no token. That the credentials are refused is the check's
// own fault; that the server does not answer keeps the check's target from being used, as it keeps
// others.
func noToken(err error) error {
	var refused *oauth.RetrieveError
	if errors.As(err, &refused) {
		text := fmt.Sprintf("no token: the token server answered %d", refused.Response.StatusCode)
		if refused.ErrorCode != "" {
			text += " " + clip(refused.ErrorCode)
		}
		if refused.ErrorDescription != "" {
			text += " (" + clip(refused.ErrorDescription) + ")"
		}
		if refused.Response.StatusCode >= http.StatusInternalServerError || refused.Response.StatusCode == http.StatusTooManyRequests {
			return errors.New(text)
		}
		return &misconfigured{text + ": mend options.auth, or the secret that it names"}
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which may hold a secret
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		err = errors.New("the token server speaks HTTP, not HTTPS, at this port")
	}
	return fmt.Errorf("no token: %w", executor.Explain(err, "while asking for it"))
}

// misconfigured is a fault of the check itself.
type misconfigured struct{ text string }

func (m *misconfigured) Error() string { return m.text }

func (m *misconfigured) Unwrap() error { return executor.ErrSetup }

// bounded reads no more of an answer than maxTokenAnswer.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxTokenAnswer), response.Body}
	return response, nil
}
