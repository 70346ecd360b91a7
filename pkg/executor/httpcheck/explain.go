package httpcheck

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/vedette/vedette/pkg/executor"
)

// explain says in plain words why there is no answer.
func explain(err error, p *phases) error {
	var tooMany errTooManyRedirects
	if errors.As(err, &tooMany) {
		return tooMany
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL, which may hold a secret
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return errors.New("the server speaks HTTP, not HTTPS, at this port")
	}
	if errors.Is(err, errSpeaksFirst) {
		return errSpeaksFirst
	}
	return executor.Explain(err, p.current())
}
