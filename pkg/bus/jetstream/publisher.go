package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"
)

// Publisher publishes messages to subjects that are not Vedette's. It needs no other right. Close it.
type Publisher struct{ conn *nats.Conn }

// ConnectPublisher connects to the server, waiting for it until ctx ends.
func ConnectPublisher(ctx context.Context, server Server, log *slog.Logger) (*Publisher, error) {
	conn, err := dial(ctx, server, log)
	if err != nil {
		return nil, err
	}
	return &Publisher{conn: conn}, nil
}

// Publish publishes a message; it waits where the connection takes no more.
func (p *Publisher) Publish(subject string, headers map[string]string, body []byte) error {
	if err := p.conn.PublishMsg(message(subject, headers, body)); err != nil {
		return fmt.Errorf("publish to %s: %w", subject, err)
	}
	return nil
}

// Flush waits until the server has everything that was published.
func (p *Publisher) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := p.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Close sends what is buffered and ends the connection.
func (p *Publisher) Close() { closeConn(p.conn) }

// CheckReplaySubject returns what is wrong with a subject to which recorded events are published again:
// it must be none that Vedette, or the server, takes for its own. It may end in ".>", for ReplaySubject.
func CheckReplaySubject(subject string) error {
	base := strings.TrimSuffix(subject, ".>")
	tokens := strings.Split(base, ".")
	for _, t := range tokens {
		if t == "" || strings.ContainsAny(t, " \t\r\n*>") {
			return fmt.Errorf("subject %q: use tokens separated by dots, such as replay.events, or with .> at the end to have aggregate, id and verb there", subject)
		}
	}
	switch {
	case strings.EqualFold(tokens[0], "vedette"):
		return fmt.Errorf("subject %q: subjects that begin with vedette. are Vedette's own: what is published there may be taken for something that happens now, or be stored as an event: use another one, such as replay.>", subject)
	case strings.HasPrefix(tokens[0], "$"), strings.HasPrefix(tokens[0], "_"):
		return fmt.Errorf("subject %q: subjects that begin with $ or _ are the server's own: use another one, such as replay.>", subject)
	}
	return nil
}

// ReplaySubject returns the subject for an event about an aggregate, "check/home", with a type,
// "vedette.check.status_changed.v1": subject itself or, where that ends in ".>", with
// "check.home.status_changed" in that place.
func ReplaySubject(subject, aggregate, kind string) string {
	base, ok := strings.CutSuffix(subject, ">")
	if !ok {
		return subject
	}
	of, id, _ := strings.Cut(aggregate, "/")
	parts := strings.Split(kind, ".")
	verb := kind
	if len(parts) >= 3 {
		verb = strings.Join(parts[2:max(3, len(parts)-1)], ".")
	}
	return base + token(of) + "." + token(id) + "." + token(verb)
}
