package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// MaxKeyLength is that of an Idempotency-Key.
const MaxKeyLength = 128

// etag is a revision as an entity tag.
func etag(revision uint64) string { return strconv.Quote(strconv.FormatUint(revision, 10)) }

// expectedRevision reads If-Match: 0 when anything will do.
func expectedRevision(ifMatch string) (uint64, error) {
	text := strings.TrimSpace(ifMatch)
	if text == "" || text == "*" {
		return 0, nil
	}
	inner, quoted := strings.CutPrefix(text, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	revision, err := strconv.ParseUint(inner, 10, 63)
	if err != nil || !quoted || !closed || revision == 0 {
		return 0, problem(http.StatusBadRequest, "if-match", "If-Match %.80q is no ETag of this API: send one as it came, such as \"3\", or *", ifMatch)
	}
	return revision, nil
}

// noneMatch reports whether If-None-Match names the revision.
func noneMatch(ifNoneMatch string, revision uint64) bool {
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag(revision) {
			return true
		}
	}
	return false
}

// commandID reads an Idempotency-Key; empty is to be generated.
func commandID(key string) (string, error) {
	if len(key) > MaxKeyLength || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || r == retryMark }) {
		return "", problem(http.StatusBadRequest, "idempotency-key", "the Idempotency-Key cannot be used: send 1 to %d characters of printable ASCII without spaces and %q, such as a UUID", MaxKeyLength, retryMark)
	}
	return key, nil
}

// retryMark separates a command id from the number of the attempt.
const retryMark = '~'

// respondAsync reads Prefer.
func respondAsync(prefer string) bool {
	for preference := range strings.SplitSeq(prefer, ",") {
		name, _, _ := strings.Cut(preference, ";")
		if strings.EqualFold(strings.TrimSpace(name), "respond-async") {
			return true
		}
	}
	return false
}

// readableID makes an id of a name: "Home page" becomes "home-page". Empty when nothing is left.
func readableID(name string) string {
	var id strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			id.WriteRune(r)
		case id.Len() > 0 && !strings.HasSuffix(id.String(), "-"):
			id.WriteByte('-')
		}
		if id.Len() >= maxReadable {
			break
		}
	}
	return strings.Trim(id.String(), "-")
}

// maxReadable leaves room for a suffix.
const maxReadable = monitor.MaxIDLength - 10
