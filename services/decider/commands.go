package decider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process/backoff"
)

// request brings a batch of commands to the loop, reply their outcomes back.
type request struct {
	commands []order
	reply    chan reply
}

type reply struct {
	outcomes []bus.Outcome
	err      error
}

// order is a command with what its kind of check has to say against it.
type order struct {
	monitor.CommandMessage
	problems monitor.Problems
}

// maxCommands is how many commands are decided in one append, so that their events fit in it.
const maxCommands = 100

// serve takes commands once the results stored before this term are counted. A batch that cannot be
// decided stays in the queue.
func (l *leader) serve(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-l.ready:
	}
	var pause backoff.Backoff
	for {
		err := l.bus.ServeCommands(ctx, []string{"check", "service", "page", "correction"}, func(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
			outcomes, err := l.handle(ctx, commands)
			if err == nil {
				pause.Reset()
			}
			return outcomes, err
		})
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, bus.ErrHandlerTaken) {
			return fmt.Errorf("serve commands: %w", err)
		}
		l.metrics.failures.WithLabelValues("commands").Inc()
		l.log.Error("commands could not be decided; they stay in the queue and are tried again", "error", err)
		if !pause.Wait(ctx) {
			return nil
		}
	}
}

// handle validates commands, which may take a while, then has the loop decide them.
func (l *leader) handle(ctx context.Context, commands []monitor.CommandMessage) ([]bus.Outcome, error) {
	outcomes := make([]bus.Outcome, 0, len(commands))
	for part := range slices.Chunk(commands, maxCommands) {
		orders := make([]order, len(part))
		for i, m := range part {
			orders[i] = order{CommandMessage: m, problems: l.problems(m.Command)}
		}
		r := request{commands: orders, reply: make(chan reply, 1)}
		select {
		case l.requests <- r:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case answer := <-r.reply:
			if answer.err != nil {
				return nil, answer.err
			}
			outcomes = append(outcomes, answer.outcomes...)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return outcomes, nil
}

// problems are those of the kind of check that a command defines.
func (l *leader) problems(c monitor.Command) monitor.Problems {
	switch c := c.(type) {
	case monitor.RegisterCheck:
		return l.definitionProblems(c.Definition.WithDefaults())
	case monitor.UpdateCheck:
		return l.definitionProblems(c.Definition.WithDefaults())
	case monitor.DeleteCheck, monitor.PauseCheck, monitor.ResumeCheck, monitor.RegisterService,
		monitor.UpdateService, monitor.DeleteService, monitor.RegisterPage, monitor.UpdatePage, monitor.DeletePage,
		monitor.AddCorrection, monitor.WithdrawCorrection, monitor.ExecuteChecks:
	}
	return nil
}

// maxDefinition bounds a definition as JSON, so that every message that carries it fits the server's
// limit of 1 MiB. Escaping makes some texts up to six times as long.
const maxDefinition = 768 << 10

func (l *leader) definitionProblems(d monitor.Definition) monitor.Problems {
	p := l.opt.Validator.Validate(d)
	if text, err := json.Marshal(d); err != nil {
		p.Add("options", "is not valid JSON: %v", err)
	} else if len(text) > maxDefinition {
		p.Add("options", "the definition takes %d bytes as JSON: keep it within %d", len(text), maxDefinition)
	}
	return p
}

// decideCommands decides a batch, in order, each seeing what those before it lead to, and writes all
// that follows from it at once. After an error none took effect, or its events say that it did.
func (l *leader) decideCommands(ctx context.Context, commands []order) ([]bus.Outcome, error) {
	for conflicts := 0; ; conflicts++ {
		if err := l.catchUp(ctx); err != nil {
			return nil, err
		}
		b := newSitting(l.board, len(commands))
		for _, c := range commands {
			if err := b.decide(c, l); err != nil {
				l.board.Undo()
				return nil, err
			}
		}
		written, err := l.commit(ctx, b.transaction)
		var conflict *bus.ConflictError
		if errors.As(err, &conflict) && conflicts < maxConflicts {
			continue
		}
		if err != nil {
			return nil, err
		}
		b.conclude(written, l.metrics)
		return b.outcomes, nil
	}
}

// sitting is a batch of commands while it is decided.
type sitting struct {
	transaction *transaction
	outcomes    []bus.Outcome
	// last is, per outcome, the index of the event at which its effect shows; -1 when it is in the log.
	last []int
	// seen are the commands of the batch, by aggregate and id; latest the last event of an aggregate.
	seen   map[commandKey]int
	latest map[bus.Aggregate]int
	labels []string
}

type commandKey struct {
	aggregate bus.Aggregate
	id        string
}

func newSitting(board *monitor.Board, n int) *sitting {
	return &sitting{
		transaction: newTransaction(board), outcomes: make([]bus.Outcome, 0, n), last: make([]int, 0, n),
		seen: make(map[commandKey]int, n), latest: make(map[bus.Aggregate]int),
	}
}

// decide decides one command. An error is not the command's fault.
func (s *sitting) decide(c order, l *leader) error {
	kind, id := c.Command.Aggregate()
	about := bus.Aggregate{Kind: kind, ID: id}
	key := commandKey{about, c.ID}
	if first, repeated := s.seen[key]; repeated && c.ID != "" {
		s.add(s.outcomes[first], s.last[first], "repeated")
		return nil
	}
	s.seen[key] = len(s.outcomes)
	outcome := bus.Outcome{CommandID: c.ID, Aggregate: kind, ID: id}
	now := l.now()
	made, err := l.board.Decide(c.CommandMessage, now)
	if err = withProblems(err, made, c.problems); err != nil {
		if outcome.Refusal = bus.Refuse(err); outcome.Refusal == nil {
			return fmt.Errorf("decide %s about %s %s: %w", c.Command.Type(), kind, id, err)
		}
		s.add(outcome, -1, "refused")
		return nil
	}
	outcome.Revision, outcome.Sequence = made.Revision, made.Sequence
	if made.Duplicate {
		s.add(outcome, -1, "repeated")
		return nil
	}
	last := -1
	if before, staged := s.latest[about]; staged {
		last = before
	}
	if len(made.Events) > 0 {
		why := cause{commandID: c.ID, causationID: c.ID, correlationID: c.CorrelationID, actor: c.Actor}
		if why.correlationID == "" {
			why.correlationID = c.ID
		}
		if last, err = s.transaction.stage(made.Events, why, now); err != nil {
			return err
		}
		for i, event := range made.Events {
			s.latest[bus.AggregateOf(event)] = last - len(made.Events) + 1 + i
		}
	}
	s.add(outcome, last, "accepted")
	return nil
}

// withProblems adds the problems of the check's kind to those of the definition, so that all are
// reported together. A repeated command, and one refused for another reason, stands as it is.
func withProblems(err error, made monitor.Decision, more monitor.Problems) error {
	var problems monitor.Problems
	if made.Duplicate || len(more) == 0 || (err != nil && !errors.As(err, &problems)) {
		return err
	}
	all := slices.Clone(problems)
	for _, p := range more {
		if !slices.ContainsFunc(problems, func(known monitor.Problem) bool { return known.Field == p.Field }) {
			all = append(all, p)
		}
	}
	return all
}

func (s *sitting) add(outcome bus.Outcome, last int, label string) {
	s.outcomes = append(s.outcomes, outcome)
	s.last = append(s.last, last)
	s.labels = append(s.labels, label)
}

// conclude sets where the effects show.
func (s *sitting) conclude(written []monitor.EventMessage, m *metrics) {
	for i, last := range s.last {
		if last >= 0 {
			s.outcomes[i].Sequence = written[last].Sequence
		}
		m.commands.WithLabelValues(s.labels[i]).Inc()
	}
}
