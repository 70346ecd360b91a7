package httpcheck

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxTokens bounds how many tokens are kept.
	maxTokens = 1000
	// A token whose end the server does not tell is kept for so long; any is given up so long before
	// its end, or a tenth of its life where that is less.
	tokenLife, tokenMargin = 5 * time.Minute, 10 * time.Second
)

// Tokens keeps the tokens that were fetched for checks until shortly before they expire. Checks that
// ask for the same by the same credentials share one, and wait for the one that is fetching it. It is
// safe for concurrent use.
type Tokens struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]*keptToken
}

// NewTokens returns an empty one.
func NewTokens() *Tokens { return &Tokens{kept: make(map[[sha256.Size]byte]*keptToken)} }

// token is a bearer token (RFC 6750), and until when it is used.
type token struct {
	value string
	until time.Time
}

// keptToken is one place. Whoever holds turn may look at the token and fetch another.
type keptToken struct {
	turn  chan struct{} // of one place
	token token
}

// get returns the token of a grant, or fetches it; fresh is whether it did. It ends with ctx.
func (t *Tokens) get(ctx context.Context, g grant, fetch func() (token, error)) (found token, fresh bool, err error) {
	place := t.place(g.key())
	select {
	case place.turn <- struct{}{}:
		defer func() { <-place.turn }()
	case <-ctx.Done():
		return token{}, false, noToken(ctx.Err())
	}
	if place.token.value != "" && time.Now().Before(place.token.until) {
		return place.token, false, nil
	}
	found, err = fetch()
	if err != nil {
		return token{}, false, err
	}
	place.token = found
	return found, true, nil
}

// forget drops a token that a server refused, unless there is another by now.
func (t *Tokens) forget(ctx context.Context, refused shownToken) {
	place := t.place(refused.grant.key())
	select {
	case place.turn <- struct{}{}:
		defer func() { <-place.turn }()
	case <-ctx.Done():
		return
	}
	if place.token.value == refused.value {
		place.token = token{}
	}
}

// place makes room by dropping any other one: who waits there still gets the token.
func (t *Tokens) place(key [sha256.Size]byte) *keptToken {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.kept[key]; found != nil {
		return found
	}
	for other := range t.kept {
		if len(t.kept) < maxTokens {
			break
		}
		delete(t.kept, other)
	}
	made := &keptToken{turn: make(chan struct{}, 1)}
	t.kept[key] = made
	return made
}

// keepUntil is when a token is given up.
func keepUntil(now, expiry time.Time) time.Time {
	if expiry.IsZero() {
		return now.Add(tokenLife)
	}
	return expiry.Add(-min(tokenMargin, expiry.Sub(now)/10))
}
