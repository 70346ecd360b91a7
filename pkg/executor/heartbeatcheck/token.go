package heartbeatcheck

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// A token is the check's id, a point, and a secret of 130 bits in base 32: the id says without search
// which check is meant, and shows in no more places than the token does.

// NewToken returns a token for a check, as nobody else can guess it.
func NewToken(checkID string) string {
	return checkID + "." + strings.ToLower(rand.Text())
}

// CheckOf returns the id of the check that a token is for, and whether it has the form of a token.
func CheckOf(token string) (id string, ok bool) {
	const longest = monitor.MaxIDLength + 1 + 64
	id, secret, found := strings.Cut(token, ".")
	return id, found && len(token) <= longest && secret != "" && monitor.ValidID(id)
}

// Matches reports, in a time that tells nothing of the digest, whether a token is that of a check.
func Matches(d monitor.Definition, token string) bool {
	o, problems := ParseOptions(d)
	want, err := hex.DecodeString(o.TokenSHA256)
	got := sha256.Sum256([]byte(token))
	return len(problems) == 0 && err == nil && d.Pushed() && subtle.ConstantTimeCompare(want, got[:]) == 1
}

// WithToken returns the options of a definition with the digest of a token.
func WithToken(d monitor.Definition, token string) (json.RawMessage, error) {
	digest := sha256.Sum256([]byte(token))
	return withDigest(d, hex.EncodeToString(digest[:]))
}

// Kept returns the options of a definition with the digest that it had before.
func Kept(d, before monitor.Definition) (json.RawMessage, error) {
	o, _ := ParseOptions(before)
	return withDigest(d, o.TokenSHA256)
}

// HasToken reports whether a definition names the digest of a token, a right one or not.
func HasToken(d monitor.Definition) bool {
	var options map[string]json.RawMessage
	_ = json.Unmarshal(d.Options, &options) // what is no object is reported by Prepare
	digest := string(options["token_sha256"])
	return digest != "" && digest != "null" && digest != `""`
}

func withDigest(d monitor.Definition, digest string) (json.RawMessage, error) {
	options := make(map[string]any)
	if len(d.Options) > 0 {
		if err := json.Unmarshal(d.Options, &options); err != nil {
			return nil, fmt.Errorf("options: %w", err)
		}
	}
	options["token_sha256"] = digest
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	return raw, nil
}

func validDigest(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}
