package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// decideWait bounds the wait for a command's outcome, showWait that for the read models to show
	// it, readWait a read.
	decideWait = 10 * time.Second
	showWait   = 2 * time.Second
	readWait   = 10 * time.Second
)

const (
	source = "/vedette/api"
	actor  = "api"
)

// Writing are the headers of every write.
type Writing struct {
	Key    string `header:"Idempotency-Key" maxLength:"128" doc:"Names this write: sent again with the same key, it takes effect once and is answered alike. Without one, each request is a write of its own." example:"0197c0de-7a2b-7c11-9d51-3f1f2e6f8a10"`
	Prefer string `header:"Prefer" doc:"respond-async has the write answered with 202 as soon as it is stored; the header Location names where its outcome will be." example:"respond-async"`
}

// Conditional is the header of a write to something that exists.
type Conditional struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the definition that the write is based on: another one is answered with 412. * and nothing accept any." example:"\"3\""`
}

// payload is a body that is decoded here rather than by huma, which would not name every field.
type payload struct{ raw []byte }

// sent is what became of a write: an outcome, or, when it is to be answered at once, none.
type sent struct {
	id      string
	outcome bus.Outcome
	async   bool
}

// send has a command decided, and waits until the read models show what came of it. Errors: a
// *Problem, or a *bus.Refusal.
func (s *server) send(ctx context.Context, w Writing, command monitor.Command) (sent, error) {
	id, err := commandID(w.Key)
	if err != nil {
		return sent{}, err
	}
	release, ok := s.writes.take()
	if !ok {
		return sent{}, problem(http.StatusTooManyRequests, "busy", "%d writes are in flight, as many as this server takes: try again", s.opt.MaxWrites).after(time.Second)
	}
	defer release()
	return s.sendAs(ctx, id, respondAsync(w.Prefer), command)
}

func (s *server) sendAs(ctx context.Context, id string, async bool, command monitor.Command) (sent, error) {
	message := cloudevents.NewCommand(id, command, source, actor, s.now())
	ctx, cancel := context.WithTimeout(ctx, decideWait)
	defer cancel()
	if async {
		if err := s.bus.Post(ctx, message); err != nil {
			return sent{}, s.unsent(message.ID, err)
		}
		return sent{id: message.ID, async: true}, nil
	}
	outcome, err := s.bus.Send(ctx, message)
	if err != nil {
		return sent{}, s.unsent(message.ID, err)
	}
	if kind, about := command.Aggregate(); outcome.Aggregate != kind || outcome.ID != about {
		return sent{}, problem(http.StatusUnprocessableEntity, "idempotency-key", "the Idempotency-Key was used before, for %s %s: use another one", outcome.Aggregate, outcome.ID)
	}
	if outcome.Refusal != nil {
		return sent{}, outcome.Refusal
	}
	s.awaitShown(ctx, outcome.Sequence)
	return sent{id: message.ID, outcome: outcome}, nil
}

// unsent says what to do about a command whose outcome did not come.
func (s *server) unsent(id string, err error) error {
	if s.work.Err() != nil {
		return problemOf(context.Canceled)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return problem(http.StatusGatewayTimeout, "undecided", "the write was not decided within %s: if it was stored it will be. "+
			"Ask %s/commands/%s what became of it, or send it again with Idempotency-Key: %s", decideWait, base, id, id).
			with("Location", base+"/commands/"+id).after(time.Second)
	}
	return s.internal("storing the write", err)
}

// awaitShown returns when the read models show EVENTS up to sequence, or after a while.
func (s *server) awaitShown(ctx context.Context, sequence uint64) {
	if sequence == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, showWait)
	defer cancel()
	if err := s.reads.WaitFor(ctx, sequence); err != nil && s.work.Err() == nil {
		s.metrics.late.Inc()
		s.log.Warn("a write is answered before the read models show it: is a projector running?", "sequence", sequence)
	}
}

// register sends a command that makes something new. Where the client chose no id, it is made from
// the name, with a suffix if that is taken: the same for the same Idempotency-Key.
func (s *server) register(ctx context.Context, w Writing, chosen, name, kind string, command func(id string) monitor.Command) (sent, string, error) {
	key, err := commandID(w.Key)
	if err != nil {
		return sent{}, "", err
	}
	if chosen != "" {
		done, err := s.send(ctx, w, command(chosen))
		return done, chosen, err
	}
	if key == "" {
		key = cloudevents.NewID()
	}
	w.Key = key
	digest := sha256.Sum256([]byte(key))
	suffix := hex.EncodeToString(digest[:3])
	id := readableID(name)
	if id == "" {
		id = fmt.Sprintf("%s-%s", kind, suffix)
	} else if respondAsync(w.Prefer) { // nobody waits to hear that it is taken
		id = fmt.Sprintf("%s-%s", id, suffix)
	}
	done, err := s.send(ctx, w, command(id))
	if errors.Is(err, monitor.ErrExists) {
		id = fmt.Sprintf("%s-%s", id, suffix)
		done, err = s.retry(ctx, w, 2, command(id))
	}
	return done, id, err
}

// retry sends another attempt of a write under an id of its own.
func (s *server) retry(ctx context.Context, w Writing, attempt int, command monitor.Command) (sent, error) {
	release, ok := s.writes.take()
	if !ok {
		return sent{}, problem(http.StatusTooManyRequests, "busy", "%d writes are in flight, as many as this server takes: try again", s.opt.MaxWrites).after(time.Second)
	}
	defer release()
	return s.sendAs(ctx, fmt.Sprintf("%s%c%d", w.Key, retryMark, attempt), respondAsync(w.Prefer), command)
}

// attempt is send for the first attempt of a write, retry for those after it.
func (s *server) attempt(ctx context.Context, w Writing, attempt int, command monitor.Command) (sent, error) {
	if attempt == 1 || w.Key == "" {
		return s.send(ctx, w, command)
	}
	return s.retry(ctx, w, attempt, command)
}

// accepted answers an asynchronous write.
func accepted(done sent) *written {
	return &written{
		Status: http.StatusAccepted, Location: base + "/commands/" + done.id, PreferenceApplied: "respond-async",
		Body: Command{State: stateUndecided, Outcome: bus.Outcome{CommandID: done.id}},
	}
}

// deleted answers a deletion.
func deleted(done sent, err error) (*written, error) {
	if err != nil {
		return nil, err
	}
	if done.async {
		return accepted(done), nil
	}
	return &written{Status: http.StatusNoContent}, nil
}
