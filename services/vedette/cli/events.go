package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/client"
)

// eventFlags select events.
type eventFlags struct {
	after, service, check, aggregate string
	from, where                      string
	kinds                            []string
	follow, results                  bool
	most                             int
}

func (a *app) eventsCommand() *cobra.Command {
	var f eventFlags
	cmd := &cobra.Command{
		Use: "events", Aliases: []string{"event"}, Short: "Show what happened, or follow it", Args: none(),
		Long: "Show the latest events, oldest first. With --after N, those after that place in the event log. With\n" +
			"--follow, events as they come: from now on, or from --after on. A lost connection is made again\n" +
			"without gap or repeat. With --output json every event is one line.\n\n" +
			"--where takes a CEL expression over an event: id, type, source, subject, time, sequence, revision,\n" +
			"actor, commandid, causationid, correlationid and data, which depends on the type (docs/events.md). An\n" +
			"event without a field that it names is not selected.",
		Example: `  vedette events
  vedette events --follow
  vedette events --after 0 --type vedette.incident.opened.v1
  vedette events --follow --check home --results -o json
  vedette events --from -24h --where 'data.to == "down" && data.service == "web"'
  vedette events --follow --results --where 'data.result.duration_ms > 500.0'`,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.after, "after", "", "begin after this place in the event log; 0 is the beginning")
	flags.StringVar(&f.from, "from", "", "begin at this time, instead of --after: a time (RFC 3339), or a span back from now")
	flags.StringVar(&f.where, "where", "", "only those for which the CEL expression is true")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with new events until interrupted")
	flags.StringSliceVar(&f.kinds, "type", nil, "only those of the type, such as service.status_changed")
	flags.StringVar(&f.service, "service", "", "only those about the service")
	flags.StringVar(&f.check, "check", "", "only those about the check")
	flags.StringVar(&f.aggregate, "aggregate", "", "only those about a check, service, incident or runner")
	flags.BoolVar(&f.results, "results", false, "the results of executions as well")
	flags.IntVarP(&f.most, "limit", "n", 0, "at most so many; 20 if neither --after nor --follow is given")
	markDefinition(flags)
	a.complete(cmd, "service", a.serviceIDs)
	a.complete(cmd, "check", a.checkIDs)
	a.completeFixed(cmd, "type", eventTypes())
	a.completeFixed(cmd, "aggregate", []string{"check", "service", "incident", "runner"})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.follow && f.from != "" {
			return UsageError{errors.New("--follow begins now, or after a place: leave --from out")}
		}
		selects, err := parseWhere(f.where)
		if err != nil {
			return UsageError{err}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if f.follow {
				return a.followEvents(ctx, c, f, selects)
			}
			return a.listEvents(ctx, c, f, selects)
		})
	}
	cmd.AddCommand(a.exportEvents())
	return cmd
}

func eventTypes() []string {
	var types []string
	for _, e := range monitor.Events() {
		types = append(types, e.Type())
	}
	return types
}

func (f eventFlags) query() url.Values {
	query := queryOf(map[string]string{"after": f.after, "from": f.from, "service": f.service, "check": f.check, "aggregate": f.aggregate})
	var kinds []string
	for _, kind := range f.kinds {
		kinds = append(kinds, wholeType(kind))
	}
	if len(kinds) > 0 {
		query.Set("type", strings.Join(kinds, ","))
	}
	if f.results {
		query.Set("results", "true")
	}
	return query
}

// wholeType puts back what people leave out of a type: "service.status_changed" is
// "vedette.service.status_changed.v1".
func wholeType(kind string) string {
	for _, known := range eventTypes() {
		if known == "vedette."+kind+".v1" || known == "vedette."+kind {
			return known
		}
	}
	return kind
}

func (a *app) listEvents(ctx context.Context, c *client.Client, f eventFlags, selects *where) error {
	back := f.after == "" && f.from == ""
	most := f.most
	if most == 0 && back {
		most = 20
	}
	events, err := c.SelectEvents(ctx, f.query(), most, selects.matches)
	if err != nil {
		return err
	}
	if back {
		slices.Reverse(events)
	}
	if a.output != "table" {
		return a.eachEvent(events)
	}
	t := newTable("TIME", ">SEQ", "SUBJECT", "EVENT", "WHAT")
	for _, e := range events {
		t.row(a.eventCells(e.Value)...)
	}
	return t.write(a.Out, a.colour())
}

func (a *app) eachEvent(events []client.Event) error {
	for _, e := range events {
		if err := a.writeEvent(e); err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends a stream of which enough has been seen.
var errEnough = errors.New("enough")

func (a *app) followEvents(ctx context.Context, c *client.Client, f eventFlags, selects *where) error {
	seen := 0
	err := c.Follow(ctx, client.Stream{
		Query: f.query(),
		Handle: func(e client.Event) error {
			if wanted, err := selects.matches(e); err != nil || !wanted {
				return err
			}
			if err := a.writeEvent(e); err != nil {
				return err
			}
			if seen++; f.most > 0 && seen >= f.most {
				return errEnough
			}
			return nil
		},
		Trouble: func(err error, wait time.Duration) {
			_, _ = fmt.Fprintf(a.Err, "the event stream broke off: %v; trying again in %s\n", err, wait.Round(100*time.Millisecond))
		},
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// writeEvent writes one event: a line, or a document of YAML.
func (a *app) writeEvent(e client.Event) error {
	switch a.output {
	case "json":
		_, err := fmt.Fprintf(a.Out, "%s\n", escape(e.Raw))
		return err
	case "yaml":
		if _, err := fmt.Fprintln(a.Out, "---"); err != nil {
			return err
		}
		return encode(a.Out, "yaml", e.Raw)
	}
	// The widths that a table would mostly have: lines that come one by one line up as well.
	widths := []int{8, 6, 20, 24}
	var line strings.Builder
	cells := a.eventCells(e.Value)
	for i, c := range cells {
		fill := ""
		if i < len(widths) {
			fill = strings.Repeat(" ", max(0, widths[i]-c.width()))
		}
		if i == 1 {
			line.WriteString(fill)
		}
		c.write(&line, a.colour())
		if i != 1 && i < len(cells)-1 {
			line.WriteString(fill)
		}
		if i < len(cells)-1 {
			line.WriteString("  ")
		}
	}
	_, err := fmt.Fprintln(a.Out, strings.TrimRight(line.String(), " "))
	return err
}

func (a *app) eventCells(e client.EventView) []cell {
	kind := strings.TrimPrefix(e.Type, "vedette.")
	if i := strings.LastIndex(kind, ".v"); i > 0 {
		kind = kind[:i]
	}
	return []cell{text(clock(a.Now(), e.Time)), styled(string(e.Sequence), dim), text(e.Subject), text(kind), summary(e)}
}

// summary says in a few words what an event tells.
func summary(e client.EventView) cell {
	var d struct {
		From, To           monitor.Status
		Reason, Cause      string
		Resolution         string
		DurationMS         int64              `json:"duration_ms"`
		Result             *monitor.Result    `json:"result"`
		Definition         *definitionSummary `json:"definition"`
		Location, RunnerID string
	}
	if json.Unmarshal(e.Data, &d) != nil {
		return nil
	}
	switch {
	case d.From != "" && d.To != "":
		c := append(statusCell(d.From), span{" → ", dim})
		c = append(c, statusCell(d.To)...)
		return append(c, text(prefixed(": ", d.Reason))...)
	case d.Result != nil:
		c := styled(string(d.Result.Outcome), outcomeStyle(d.Result.Outcome))
		return append(c, text(" in "+milliseconds(d.Result.DurationMS)+prefixed(": ", d.Result.Error))...)
	case d.Cause != "":
		return styled(d.Cause, red)
	case d.Resolution != "":
		return text(d.Resolution + " after " + elapsed(time.Duration(d.DurationMS)*time.Millisecond))
	case d.Definition != nil:
		return text(d.Definition.text())
	case d.Location != "":
		return text("at " + d.Location + prefixed(", ", d.Reason))
	}
	return nil
}

type definitionSummary struct{ Name, Kind, Target string }

func (d definitionSummary) text() string {
	if d.Kind == "" {
		return d.Name
	}
	return d.Kind + " " + d.Target
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
