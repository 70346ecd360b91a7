package httpcheck

import (
	"crypto/md5" //nolint:gosec // what servers ask for (RFC 7616)
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"

	rfc7616 "github.com/icholy/digest"
)

var errNoDigest = errors.New("the server asks for no digest that is known: there are MD5, SHA-256, SHA-512 and SHA-512-256, each also as -sess")

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
	header, err := d.answer(request, response.Header)
	if err != nil || !validValue(header) {
		_ = response.Body.Close()
		return nil, errNoDigest
	}
	again := request.Clone(request.Context())
	if request.Body != nil && request.Body != http.NoBody {
		if again.Body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	again.Header.Set("Authorization", header)
	_, _ = io.CopyN(io.Discard, response.Body, maxHeaders) // what is said of the refusal is not wanted
	_ = response.Body.Close()
	return d.RoundTripper.RoundTrip(again)
}

// answer is the header Authorization for the first challenge that can be answered.
func (d *digesting) answer(request *http.Request, header http.Header) (string, error) {
	for _, text := range header.Values("WWW-Authenticate") {
		if !rfc7616.IsDigest(text) {
			continue
		}
		challenge, err := rfc7616.ParseChallenge(text)
		if err != nil {
			continue
		}
		options := rfc7616.Options{
			Method: request.Method, URI: request.URL.RequestURI(), GetBody: request.GetBody, Count: 1, Username: d.username, Password: d.password,
		}
		asked := challenge.Algorithm
		if base, ok := ofSession(asked); ok && len(challenge.QOP) > 0 { // without qop the server would not learn the cnonce
			challenge.Algorithm, options.Cnonce = base, rand.Text()
			options.A1 = sessionKey(base, d.username+":"+challenge.Realm+":"+d.password, challenge.Nonce+":"+options.Cnonce)
		}
		credentials, err := rfc7616.Digest(challenge, options)
		if err != nil {
			continue
		}
		credentials.Algorithm = asked
		return credentials.String(), nil
	}
	return "", errNoDigest
}

// ofSession is the algorithm of MD5-sess and its like, whose key is of one session.
func ofSession(algorithm string) (base string, ok bool) {
	return strings.CutSuffix(strings.ToUpper(algorithm), "-SESS")
}

// sessionKey is A1 hashed (RFC 7616, 3.4.2); empty of an unknown algorithm, which the library refuses.
func sessionKey(algorithm, secret, session string) string {
	made := map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New, "SHA-512": sha512.New, "SHA-512-256": sha512.New512_256}[algorithm]
	if made == nil {
		return ""
	}
	sum := func(text string) string {
		h := made()
		_, _ = io.WriteString(h, text) // it cannot fail
		return hex.EncodeToString(h.Sum(nil))
	}
	return sum(sum(secret) + ":" + session)
}
