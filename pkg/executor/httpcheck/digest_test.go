package httpcheck_test

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"

	rfc7616 "github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

// TestDigestOfASession holds the client to the formulas of RFC 7616, 3.4.1 to 3.4.3.
func TestDigestOfASession(t *testing.T) {
	for algorithm, sum := range map[string]func(string) string{
		"MD5-sess":     func(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) },
		"SHA-256-sess": func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) },
	} {
		url := executortest.ServeHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			given, err := rfc7616.ParseCredentials(r.Header.Get("Authorization"))
			if err != nil {
				w.Header().Add("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=OTHER-sess`)
				w.Header().Add("WWW-Authenticate", `Digest realm="r", nonce="n", qop="auth", algorithm=`+algorithm)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			a1 := sum("me:r:"+executortest.Secret) + ":n:" + given.Cnonce
			want := sum(sum(a1) + ":n:00000001:" + given.Cnonce + ":auth:" + sum("GET:/x"))
			if given.Response != want || given.Algorithm != algorithm || len(given.Cnonce) < 20 {
				w.WriteHeader(http.StatusForbidden)
			}
		})
		r := execute(t, url+"/x", auth("type", "digest", "username", "me", "password", "secret://token"))
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %s", algorithm, r.Error)
	}
}
