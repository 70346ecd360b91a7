package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) checkCommand() *cobra.Command {
	group := Group(&cobra.Command{
		Use: "check", Aliases: []string{"checks"}, Short: "List, show, change, and run checks",
		Example: `  vedette check add home --service web --kind http --target https://example.org/ --assert 'status == 200'
  vedette check ls --status down
  vedette check get home
  vedette check run home`,
	})
	group.AddCommand(a.checkList(), a.checkGet(), a.checkAdd(), a.checkEdit(), a.checkRemove(),
		a.checkPause(), a.checkResume(), a.checkRun(), a.checkTest(), a.checkChanges(), a.checkToken())
	return group
}

func (a *app) checkList() *cobra.Command {
	var text, service, kind, sort string
	var statuses, labels []string
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List checks", Args: none(),
		Long: "List checks, with their status, how long they have had it, the latency of the last execution,\n" +
			"the uptime of 24 hours, and the latest executions: ▇ up, ▅ degraded, ▂ failed, × could not run, · missed.",
		Example: `  vedette check ls
  vedette check ls --status down,degraded --sort status
  vedette check ls --service web --label team=web -o json
  vedette check ls --status down --at 2h`,
	}
	at := a.pastFlag(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&text, "query", "q", "", "text to look for in id, name, target and labels")
	flags.StringSliceVar(&statuses, "status", nil, "only those of the status; separate several by commas")
	flags.StringVar(&service, "service", "", "only those of the service")
	flags.StringVar(&kind, "kind", "", "only those of the kind")
	flags.StringSliceVar(&labels, "label", nil, "only those with the label, key or key=value")
	flags.StringVar(&sort, "sort", "", "order: id, name, status, latency, uptime or updated_at; -name reverses")
	markDefinition(flags)
	a.complete(cmd, "service", a.serviceIDs)
	a.complete(cmd, "kind", a.kindNames)
	a.completeFixed(cmd, "status", statusNames())
	a.completeFixed(cmd, "sort", []string{"id", "name", "status", "latency", "uptime", "updated_at"})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query := queryOf(map[string]string{"q": text, "service": service, "kind": kind, "sort": sort, "status": strings.Join(statuses, ",")})
		for _, l := range labels {
			query.Add("label", l)
		}
		query, err := a.asOf(*at, query)
		if err != nil {
			return err
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			list, err := c.Checks(ctx, query)
			if err != nil {
				return err
			}
			return a.write(list.Items, func() error { return a.checkTable(list.Items) })
		})
	}
	return cmd
}

func statusNames() []string {
	var names []string
	for _, s := range monitor.Statuses() {
		names = append(names, string(s))
	}
	return names
}

func (a *app) checkTable(checks []client.Check) error {
	if len(checks) == 0 {
		a.say("No checks. Add one: vedette check add --help")
		return nil
	}
	const recentShown, targetShown = 20, 60
	t := newTable("ID", "STATUS", ">FOR", "SERVICE", "KIND", ">LATENCY", ">24H", "RECENT", "TARGET")
	for _, item := range checks {
		c := item.Value
		latency := ""
		if c.LastResult != nil {
			latency = milliseconds(c.LastResult.DurationMS)
		}
		uptime := ""
		if u, ok := c.Uptime["24h"]; ok && u.Ratio != nil {
			uptime = percent(*u.Ratio)
		}
		target := c.Target
		if isTerminal(a.Out) {
			target = clip(target, targetShown)
		}
		t.row(text(c.ID), statusCell(c.Status), text(age(a.Now(), c.StatusSince)), text(c.Service), text(c.Kind),
			text(latency), text(uptime), bar(c.Recent, recentShown), text(target))
	}
	return t.write(a.Out, a.colour())
}

func (a *app) checkGet() *cobra.Command {
	var at *string
	cmd := &cobra.Command{
		Use: "get ID", Aliases: []string{"show"}, Short: "Show a check: status, uptime with coverage, last result", Args: one("check"),
		Example: `  vedette check get home
  vedette check get home -o yaml
  vedette check get home --at 2026-03-14T09:00:00Z`,
		ValidArgsFunction: a.completeArgs(a.checkIDs, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := a.asOf(*at, nil)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				check, err := c.CheckAsOf(ctx, args[0], query)
				if err != nil {
					return err
				}
				return a.write(check, func() error { return a.showCheck(check.Value) })
			})
		},
	}
	at = a.pastFlag(cmd)
	return cmd
}

func (a *app) showCheck(c readmodel.CheckView) error {
	now := a.Now()
	status := append(statusCell(c.Status), text(fmt.Sprintf(" for %s, since %s", age(now, c.StatusSince), clock(now, c.StatusSince)))...)
	var f facts
	f.add("check", cell{{clean(c.ID), bold}, {clean(nameBeside(c.ID, c.Name)), plain}})
	f.add("status", status)
	f.add("reason", text(c.Reason))
	f.add("incident", styled(c.Incident, red))
	f.add("service", text(c.Service))
	f.add("kind", text(c.Kind))
	f.add("target", text(c.Target))
	f.add("options", text(string(c.Options)))
	for i, assertion := range c.Assertions {
		f.add([]string{"assertions", ""}[min(i, 1)], text(assertion))
	}
	f.add("schedule", text(schedule(c.Definition)))
	f.add("thresholds", text(thresholds(c.Definition)))
	f.add("locations", text(strings.Join(c.Locations, ", ")))
	f.add("labels", text(labelsText(c.Labels)))
	f.add("revision", text(fmt.Sprintf("%d, of %s", c.Revision, clock(now, c.UpdatedAt))))
	f.add("recent", bar(c.Recent, readmodel.RecentLength))
	for i, window := range windows(c.Uptime) {
		u := c.Uptime[window]
		ran, corrected := u.Up+u.Degraded+u.Down+u.Errors, ""
		if c := u.Corrected; c != nil {
			ran += c.Maintenance
			corrected = ", corrected from " + uptimeText(readmodel.Uptime{Ratio: c.Ratio})
		}
		f.add([]string{"uptime", ""}[min(i, 1)], text(fmt.Sprintf("%-4s %9s   coverage %s, %d of %d executions%s",
			window, uptimeText(u), percent(u.Coverage), ran, u.Expected, corrected)))
	}
	if !c.ResultsKeptSince.IsZero() {
		f.add("results", text("not kept any more; only those since "+clock(now, c.ResultsKeptSince)))
	}
	if err := f.write(a.Out, a.colour()); err != nil || c.LastResult == nil {
		return err
	}
	a.say("")
	return a.showResult(*c.LastResult)
}

func nameBeside(id, name string) string {
	if name == "" || name == id {
		return ""
	}
	return "  " + name
}

func thresholds(d monitor.Definition) string {
	text := fmt.Sprintf("down after %d failures, up after %d successes", d.FailureThreshold, d.SuccessThreshold)
	if d.FailureThreshold == 1 {
		text = strings.Replace(text, "failures", "failure", 1)
	}
	if d.SuccessThreshold == 1 {
		text = strings.Replace(text, "successes", "success", 1)
	}
	if d.DegradedAfter > 0 {
		text += ", degraded after " + d.DegradedAfter.String()
	}
	if len(d.Locations) > 1 {
		text += fmt.Sprintf(", %d of %d locations", d.Quorum, len(d.Locations))
	}
	if d.Invert {
		text += ", inverted"
	}
	return text
}

// windows are those known, shortest first.
func windows(uptime map[string]readmodel.Uptime) []string {
	var known []string
	for _, w := range []string{"24h", "7d", "30d", "90d"} {
		if _, ok := uptime[w]; ok {
			known = append(known, w)
		}
	}
	return known
}
