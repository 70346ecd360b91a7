package httpcheck

import (
	"errors"
	"io"
	"net/http"
	"net/url"

	rfc7616 "github.com/icholy/digest"
)

var errNoDigest = errors.New("the server asks for no digest that is known: there are MD5, SHA-256, SHA-512 and SHA-512-256")

// digesting answers the challenge of the target by a digest (RFC 7616) of user and password, for the
// target alone.
type digesting struct {
	http.RoundTripper
	isTarget           func(*url.URL) bool
	username, password string
}

func (d *digesting) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.RoundTripper.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusUnauthorized || !d.isTarget(request.URL) {
		return response, err
	}
	challenge, err := rfc7616.FindChallenge(response.Header)
	if err != nil {
		_ = response.Body.Close()
		return nil, errNoDigest
	}
	again := request.Clone(request.Context())
	if request.Body != nil && request.Body != http.NoBody {
		if again.Body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	credentials, err := rfc7616.Digest(challenge, rfc7616.Options{
		Method: request.Method, URI: request.URL.RequestURI(), GetBody: request.GetBody, Count: 1, Username: d.username, Password: d.password,
	})
	if err != nil {
		_ = response.Body.Close()
		return nil, errNoDigest
	}
	header := credentials.String()
	if !validValue(header) {
		_ = response.Body.Close()
		return nil, errNoDigest
	}
	again.Header.Set("Authorization", header)
	_, _ = io.CopyN(io.Discard, response.Body, maxHeaders) // what is said of the refusal is not wanted
	_ = response.Body.Close()
	return d.RoundTripper.RoundTrip(again)
}
