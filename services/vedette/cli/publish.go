package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/services/vedette/client"
)

// headerReplay marks a message as the replay of a recorded event; its value is the speed.
const headerReplay = "Vedette-Replay"

// publishFlags say what is published where, and how fast.
type publishFlags struct {
	eventFlags
	to, speed, subject string
	nats               jetstream.Server
}

func (a *app) publishCommand() *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use: "publish", Short: "Publish recorded events to a NATS subject again", Args: none(),
		Long: "Publish recorded events to a subject of your NATS server, at the speed at which they came or at another\n" +
			"one, to build and to test subscribers. Each message is a CloudEvent in binary mode, as in the streams, with\n" +
			"the header Vedette-Replay, whose value is the speed.\n\n" +
			"A subject that ends in .> gets aggregate, id and verb in that place: replay.check.home.status_changed.\n" +
			"Vedette's own subjects and the server's are refused: a replay is not to be taken for the present.\n\n" +
			"Events come from --server, and go to --nats-url: with an embedded NATS server that is what vedette up\n" +
			"--nats-listen says.",
		Example: `  vedette replay publish --subject replay.events --from -1h --speed 60x
  vedette replay publish --subject 'replay.>' --from 2026-03-14T09:00:00Z --to 2026-03-14T10:00:00Z --speed max --results
  vedette replay publish --subject test.alerts --type incident.opened --where 'data.service == "web"'`,
	}
	flags := cmd.Flags()
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVar(&f.subject, "subject", "", "subject to publish to")
	own.StringVar(&f.speed, "speed", "1x", "how much faster than they came, such as 60x; max is as fast as possible")
	own.StringVar(&f.from, "from", "", "begin at this time: a time (RFC 3339), or a span back from now; the beginning of the log if not given")
	own.StringVar(&f.to, "to", "", "end at this time, likewise; the end of the log if not given")
	own.StringSliceVar(&f.kinds, "type", nil, "only those of the type, such as service.status_changed")
	own.StringVar(&f.service, "service", "", "only those about the service")
	own.StringVar(&f.check, "check", "", "only those about the check")
	own.BoolVar(&f.results, "results", false, "the results of executions as well")
	own.StringVar(&f.where, "where", "", "only those for which the CEL expression is true; see vedette events --help")
	markDefinition(own)
	flags.AddFlagSet(own)
	flags.StringVar(&f.nats.URL, "nats-url", "nats://127.0.0.1:4222", "NATS servers to publish to, separated by commas")
	flags.StringVar(&f.nats.Creds, "creds", "", "credentials file for NATS")
	flags.StringVar(&f.nats.User, "user", "", "user for NATS")
	flags.StringVar(&f.nats.Password, "password", "", "password for NATS")
	flags.StringVar(&f.nats.Token, "nats-token", "", "token for NATS")
	flags.StringVar(&f.nats.CA, "nats-ca", "", "certificates, PEM, by which NATS is trusted, instead of the system's")
	flags.StringVar(&f.nats.Cert, "nats-cert", "", "certificate, PEM, to show to NATS")
	flags.StringVar(&f.nats.Key, "nats-key", "", "key, PEM, of --nats-cert")
	a.complete(cmd, "service", a.serviceIDs)
	a.complete(cmd, "check", a.checkIDs)
	a.completeFixed(cmd, "type", eventTypes())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := a.replayOf(f)
		if err != nil {
			return UsageError{err}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error { return a.publish(ctx, c, f, r) })
	}
	return cmd
}

// eventReplay is a replay as it was asked for.
type eventReplay struct {
	selects *where
	pace    pace
	// until is when it ends; zero is the end of the log.
	until time.Time
}

func (a *app) replayOf(f publishFlags) (r eventReplay, err error) {
	if f.subject == "" {
		return r, errors.New("name the subject: --subject replay.events")
	}
	if err := jetstream.CheckReplaySubject(f.subject); err != nil {
		return r, err
	}
	if r.selects, err = parseWhere(f.where); err != nil {
		return r, err
	}
	if r.pace.speed, err = parseSpeed(f.speed); err != nil {
		return r, err
	}
	if f.to != "" {
		if span, spanErr := time.ParseDuration(f.to); spanErr == nil && span <= 0 {
			r.until = a.Now().Add(span)
		} else if r.until, err = time.Parse(time.RFC3339Nano, f.to); err != nil {
			return r, fmt.Errorf("--to %q is no time: write one such as 2026-03-14T09:00:00Z, or a span back from now such as -1h", f.to)
		}
	}
	return r, nil
}

// parseSpeed reads "60x"; 0 is as fast as possible.
func parseSpeed(text string) (float64, error) {
	if text == "max" {
		return 0, nil
	}
	speed, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	if err != nil || !(speed >= 0.001 && speed <= 1e6) {
		return 0, fmt.Errorf("--speed %q: use 0.001x to 1000000x, such as 60x, or max", text)
	}
	return speed, nil
}

// pace says when each event is due.
type pace struct {
	speed float64
	// first is the time of the first event, begun when it was published.
	first, begun time.Time
}

// wait returns how long after now an event of the given time is due.
func (p *pace) wait(at, now time.Time) time.Duration {
	if p.first.IsZero() {
		p.first, p.begun = at, now
	}
	if p.speed == 0 {
		return 0
	}
	due := p.begun.Add(time.Duration(float64(at.Sub(p.first)) / p.speed))
	return max(0, due.Sub(now))
}

// connectTimeout bounds the connection to NATS.
const connectTimeout = 5 * time.Second

func (a *app) publish(ctx context.Context, c *client.Client, f publishFlags, r eventReplay) error {
	connecting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	f.nats.Name = "vedette replay publish"
	publisher, err := jetstream.ConnectPublisher(connecting, f.nats, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("%w\nvedette up has its own NATS server listen with --nats-listen", err)
	}
	defer publisher.Close()
	query := f.query()
	if f.from == "" {
		query.Set("after", "0")
	}
	meter := &meter{app: a, begun: a.Now()}
	published, begun := 0, a.Now()
	err = c.EachEvent(ctx, query, 0, func(e client.Event) error {
		if !r.until.IsZero() && e.Value.Time.After(r.until) {
			return errEnough
		}
		wanted, err := r.selects.matches(e)
		if err != nil || !wanted {
			return err
		}
		if err := pauseFor(ctx, r.pace.wait(e.Value.Time, a.Now())); err != nil {
			return err
		}
		headers, body, err := binaryOf(e, f.speed)
		if err != nil {
			return err
		}
		published++
		meter.draw(fmt.Sprintf("%d published, now at %s", published, clock(a.Now(), e.Value.Time)))
		return publisher.Publish(jetstream.ReplaySubject(f.subject, e.Value.Subject, e.Value.Type), headers, body)
	})
	meter.clear()
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if err := publisher.Flush(ctx); err != nil {
		return err
	}
	a.say("%s published to %s in %s", count(published, "event"), f.subject, a.Now().Sub(begun).Round(time.Millisecond))
	return nil
}

func pauseFor(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// binaryOf turns a structured CloudEvent into one in binary mode: attributes as ce-* headers, the data
// as body.
func binaryOf(e client.Event, speed string) (headers map[string]string, body []byte, err error) {
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal(e.Raw, &attributes); err != nil {
		return nil, nil, fmt.Errorf("read event %s: %w", e.Value.ID, err)
	}
	headers = map[string]string{headerReplay: speed}
	for name, raw := range attributes {
		switch name {
		case "data":
			body = raw
		case "datacontenttype":
			headers["Content-Type"] = strings.Trim(string(raw), `"`)
		default:
			text := ""
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw) // a number
			}
			headers["ce-"+name] = text
		}
	}
	return headers, body, nil
}
