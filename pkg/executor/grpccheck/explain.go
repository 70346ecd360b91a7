package grpccheck

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vedette/vedette/pkg/executor"
)

// explain says in plain words why there is no answer.
func (p *probe) explain(ctx context.Context, l *line, err error) error {
	const during = "while waiting for the answer"
	state := status.Convert(err)
	shaken, _, failed := l.shook()
	switch {
	case failed != nil:
		return failed
	case over(ctx) && l.config != nil && shaken == nil:
		return errors.New("timed out during the TLS handshake")
	case over(ctx), state.Code() == codes.DeadlineExceeded: // servers are told the deadline, and may be first
		return errors.New("timed out " + during)
	case l.heard.answered.Load():
		return p.answered(state)
	case errors.Is(l.closed(), errFlood):
		return errFlood
	case l.closed() != nil:
		return executor.Explain(l.closed(), during)
	case !l.speaksHTTP2():
		return errors.New("the server does not speak HTTP/2, which gRPC needs")
	}
	return broken(state)
}

// over reports whether the time is up, also in the moment before ctx says so.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || (ok && !time.Now().Before(deadline))
}

// answered explains a status that the server sent instead of an answer. It is not shortened here: a
// part of a secret could not be told from other text.
func (p *probe) answered(state *status.Status) error {
	text := strings.ToValidUTF8(state.Message(), "�")
	code := state.Code()
	switch {
	case code == codes.Unimplemented:
		return fmt.Errorf("the server has no health service: %s", text)
	case code == codes.NotFound:
		return fmt.Errorf("the server does not know the service %q", p.options.Service)
	case code == codes.ResourceExhausted && strings.Contains(text, "larger than max"):
		return fmt.Errorf("the answer is larger than %d KiB", maxAnswer>>10)
	case text == "":
		return fmt.Errorf("the server answered %s", code)
	}
	return fmt.Errorf("the server answered %s: %s", code, text)
}

// broken explains the end of a call that is no status of gRPC's. What the library says of it quotes
// a part of what the server sent, so that it is not repeated.
func broken(state *status.Status) error {
	found := regexp.MustCompile(`unexpected HTTP status code received from server: (\d{3})`).FindStringSubmatch(state.Message())
	switch {
	case found != nil:
		return fmt.Errorf("the server does not speak gRPC: it answered HTTP status %s", found[1])
	case state.Code() == codes.Unavailable:
		return errors.New("connection closed while waiting for the answer")
	}
	return errors.New("the server does not speak gRPC as it should")
}
