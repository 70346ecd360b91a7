package httpcheck

import (
	"errors"
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
	return executor.Explain(err, p.current())
}
