package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/replay"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) replayCommand() *cobra.Command {
	group := Group(&cobra.Command{
		Use: "replay", Short: "Fold the past again: what if?",
		Example: "  vedette replay what-if --service web --from -24h --set failure_threshold=3",
	})
	group.AddCommand(a.publishCommand(), a.whatIf())
	return group
}

func (a *app) whatIf() *cobra.Command {
	var q client.Question
	var sets, maintenance []string
	cmd := &cobra.Command{
		Use: "what-if", Aliases: []string{"whatif"}, Short: "Ask what another policy would have decided", Args: none(),
		Long: "Fold the recorded results of a service's checks, or of one check, under another policy, and compare\n" +
			"what would have been decided with what was. Nothing is changed.\n\n" +
			"--set takes failure_threshold, success_threshold, degraded_after, quorum, invert, stale_after, assertions\n" +
			"(give it once for each) and, for a service, rollup. --maintenance FROM/TO is a span in which what goes\n" +
			"down opens no incident, until it is over; 'CRON/DURATION' are spans that begin by a schedule. What was\n" +
			"not recorded cannot be replayed: another interval or target is refused with the reason.\n\n" +
			"In the table, = is an incident that stays as it was, ~ one at other times, + an additional one, and\n" +
			"- one that would not have been.",
		Example: `  vedette replay what-if --service web --from -24h --set failure_threshold=3 --set quorum=2
  vedette replay what-if --check home --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z --set degraded_after=500ms
  vedette replay what-if --check home --from -168h --set 'assertions=status == 200' --set 'assertions=latency_ms < 800.0'
  vedette replay what-if --service web --from -168h --maintenance '0 2 * * */1h' --maintenance -48h/-47h
  vedette replay what-if --service web --from -24h --set rollup=majority -o json`,
	}
	flags := cmd.Flags()
	flags.StringVar(&q.Service, "service", "", "the service asked about")
	flags.StringVar(&q.Check, "check", "", "the check asked about, instead of a service")
	flags.StringVar(&q.From, "from", "-24h", "when the range begins: a time (RFC 3339), or a span back from now")
	flags.StringVar(&q.To, "to", "", "when it ends; now if not given")
	flags.StringArrayVar(&sets, "set", nil, "what is changed, FIELD=VALUE; repeat it for more")
	flags.StringArrayVar(&maintenance, "maintenance", nil, "when what goes down opens no incident: FROM/TO, or 'CRON/DURATION' in UTC; repeat it for more")
	markDefinition(flags)
	a.complete(cmd, "check", a.checkIDs)
	a.complete(cmd, "service", a.serviceIDs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if (q.Service == "") == (q.Check == "") {
			return UsageError{errors.New("name what is asked about: --service ID or --check ID")}
		}
		var err error
		if q.Set, err = settings(sets); err != nil {
			return err
		}
		if err := a.addMaintenance(q.Set, maintenance); err != nil {
			return err
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			meter := &meter{app: a}
			report, err := c.WhatIf(ctx, q, meter.show)
			meter.clear()
			if err != nil {
				return err
			}
			return a.write(report, func() error { return a.showReplay(report.Value) })
		})
	}
	return cmd
}

// settings reads what is set: numbers and truth values as such, all else as text.
func settings(sets []string) (map[string]any, error) {
	all := make(map[string]any)
	for _, set := range sets {
		field, value, ok := strings.Cut(set, "=")
		if !ok || field == "" {
			return nil, UsageError{fmt.Errorf("--set %q: use FIELD=VALUE, such as failure_threshold=3", set)}
		}
		if field == "assertions" {
			list, _ := all[field].([]string)
			all[field] = append(list, value)
			continue
		}
		if _, twice := all[field]; twice {
			return nil, UsageError{fmt.Errorf("--set %s is given twice", field)}
		}
		var parsed any
		if err := json.Unmarshal([]byte(value), &parsed); err != nil || parsed == nil {
			parsed = value
		}
		all[field] = parsed
	}
	return all, nil
}

// addMaintenance reads FROM/TO and CRON/DURATION.
func (a *app) addMaintenance(set map[string]any, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	if _, twice := set["maintenance"]; twice {
		return UsageError{errors.New("--set maintenance and --maintenance exclude each other: use one of them")}
	}
	all := make([]map[string]string, len(texts))
	for i, text := range texts {
		slash := strings.LastIndex(text, "/")
		if slash < 0 {
			return UsageError{fmt.Errorf("--maintenance %q: use FROM/TO, such as 2026-03-14T02:00:00Z/2026-03-14T03:00:00Z, or 'CRON/DURATION', such as '0 2 * * sun/1h'", text)}
		}
		first, last := text[:slash], text[slash+1:]
		if strings.Contains(first, " ") {
			all[i] = map[string]string{"cron": first, "duration": last}
			continue
		}
		all[i] = map[string]string{"from": a.instant(first), "to": a.instant(last)}
	}
	set["maintenance"] = all
	return nil
}

// instant makes a span back from now a time, and leaves the rest to the server to read.
func (a *app) instant(text string) string {
	if span, err := time.ParseDuration(text); err == nil && span <= 0 {
		return a.Now().Add(span).UTC().Format(time.RFC3339)
	}
	return text
}

func (a *app) showReplay(r replay.Report) error {
	a.say("%s, %s to %s: %s under %s\n", subject(r), clock(a.Now(), r.From), clock(a.Now(), r.To), count(r.Results, "result"), changeText(r.Set))
	if err := a.incidentDifferences(r); err != nil {
		return err
	}
	t := newTable("", ">HAPPENED", ">WOULD HAVE", ">DIFFERENCE")
	figure := func(name string, happened, would int) {
		t.row(text(name), text(fmt.Sprint(happened)), text(fmt.Sprint(would)), text(signed(would-happened)))
	}
	span := func(name string, happened, would int64) {
		t.row(text(name), text(lasted(happened)), text(lasted(would)), text(signedSpan(would-happened)))
	}
	figure("incidents", r.Happened.Incidents, r.Would.Incidents)
	figure("alerts", r.Happened.Alerts, r.Would.Alerts)
	figure("status changes", r.Happened.StatusChanges, r.Would.StatusChanges)
	span("down", r.Happened.DownMS, r.Would.DownMS)
	span("degraded", r.Happened.DegradedMS, r.Would.DegradedMS)
	span("unknown", r.Happened.UnknownMS, r.Would.UnknownMS)
	span("detected after", r.Happened.DetectionMS, r.Would.DetectionMS)
	if r.OfService != nil {
		span("service down", r.OfService.Happened.DownMS, r.OfService.Would.DownMS)
	}
	if err := t.write(a.Out, a.colour()); err != nil {
		return err
	}
	a.say("\ncoverage %s", percent(r.Coverage.Share))
	for _, note := range r.Notes {
		a.say("note: %s", clean(note))
	}
	return nil
}

func (a *app) incidentDifferences(r replay.Report) error {
	if len(r.Incidents) == 0 {
		a.say("No incidents, either way.\n")
		return nil
	}
	t := newTable("", "CHECK", "OPENED", ">LASTED", ">WOULD OPEN", ">WOULD LAST", "CAUSE")
	for _, d := range r.Incidents {
		mark, cause := styled("=", plain), ""
		opened, length, wouldOpen, wouldLast := "", "", "", ""
		if h := d.Happened; h != nil {
			opened, length, cause = clock(a.Now(), h.OpenedAt), lastedUntil(h, r.To), h.Cause
		}
		if w := d.Would; w != nil {
			wouldOpen, wouldLast, cause = clock(a.Now(), w.OpenedAt), lastedUntil(w, r.To), w.Cause
		}
		switch d.Kind {
		case replay.Moved:
			mark = styled("~", yellow)
			if d.LaterMS != 0 {
				wouldOpen = signedSpan(d.LaterMS)
			}
		case replay.Gained:
			mark = styled("+", red)
		case replay.Lost:
			mark = styled("-", green)
		}
		t.row(mark, text(d.CheckID), text(opened), text(length), text(wouldOpen), text(wouldLast), text(cause))
	}
	if err := t.write(a.Out, a.colour()); err != nil {
		return err
	}
	a.say("")
	return nil
}

func subject(r replay.Report) string {
	if r.Check != "" {
		return "check " + r.Check
	}
	return "service " + r.Service
}

// changeText is "failure_threshold=3, quorum=2".
func changeText(c replay.Change) string {
	raw, err := json.Marshal(c)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(raw, &fields) != nil || len(fields) == 0 {
		return "the same policy"
	}
	var parts []string
	for _, name := range replay.Fields() {
		if value, ok := fields[name]; ok {
			parts = append(parts, name+"="+strings.Trim(string(value), `"`))
		}
	}
	return clean(strings.Join(parts, ", "))
}

func lasted(ms int64) string { return elapsed(time.Duration(ms) * time.Millisecond) }

func lastedUntil(i *replay.Incident, end time.Time) string {
	if i.ResolvedAt.IsZero() {
		return elapsed(end.Sub(i.OpenedAt)) + "+"
	}
	return elapsed(i.ResolvedAt.Sub(i.OpenedAt))
}

func signed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%+d", n)
}

func signedSpan(ms int64) string {
	switch {
	case ms <= -time.Second.Milliseconds():
		return "-" + lasted(-ms)
	case ms >= time.Second.Milliseconds():
		return "+" + lasted(ms)
	}
	return ""
}
