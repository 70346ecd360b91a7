package bus

import (
	"fmt"
	"strings"
)

// ValidBucket reports whether name is one to 32 of a-z, 0-9 and _, a letter first.
func ValidBucket(name string) bool {
	if name == "" || len(name) > 32 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for _, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// ValidKey reports whether a bucket takes the key: [A-Za-z0-9_=-]+ in tokens between dots.
func ValidKey(key string) bool {
	for token := range strings.SplitSeq(key, ".") {
		if token == "" {
			return false
		}
		for _, r := range token {
			if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '=' || r == '-') {
				return false
			}
		}
	}
	return true
}

// CheckFlush returns what is wrong with the puts of a Flush: their number, a key, or the
// checkpoint's key among them.
func CheckFlush(puts map[string][]byte) error {
	if len(puts) > MaxFlush {
		return fmt.Errorf("%d keys: the bound is %d", len(puts), MaxFlush)
	}
	for key := range puts {
		if err := CheckKey(key); err != nil {
			return err
		}
		if key == CheckpointKey {
			return fmt.Errorf("key %q is the checkpoint's: give it as the checkpoint", key)
		}
	}
	return nil
}

// CheckKey returns what is wrong with a key.
func CheckKey(key string) error {
	if ValidKey(key) {
		return nil
	}
	return fmt.Errorf("key %q: use A-Z, a-z, 0-9, _, =, - and dots between", key)
}

// matches reports whether a key matches a pattern: * is one token, > one or more at the end.
func matches(pattern, key string) bool {
	for {
		want, wants, more := strings.Cut(pattern, ".")
		have, has, left := strings.Cut(key, ".")
		switch {
		case want == ">" && !more:
			return true
		case want != "*" && want != have, more != left:
			return false
		case !more:
			return true
		}
		pattern, key = wants, has
	}
}
