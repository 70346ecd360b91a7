package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) overviewCommand() *cobra.Command {
	var at *string
	cmd := &cobra.Command{
		Use: "overview", Aliases: []string{"status"}, Short: "Count checks and services by status", Args: none(),
		Example: `  vedette overview
  vedette status -o json
  vedette overview --at 2h`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := a.asOf(*at, nil)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				overview, err := c.Overview(ctx, query)
				if err != nil {
					return err
				}
				return a.write(overview, func() error { return a.showOverview(overview.Value) })
			})
		},
	}
	at = a.pastFlag(cmd)
	return cmd
}

func (a *app) showOverview(o readmodel.Overview) error {
	t := newTable("STATUS", ">SERVICES", ">CHECKS")
	services, checks := 0, 0
	for _, s := range monitor.Statuses() {
		services += o.Services[s]
		checks += o.Checks[s]
		if o.Services[s]+o.Checks[s] > 0 {
			t.row(statusCell(s), text(strconv.Itoa(o.Services[s])), text(strconv.Itoa(o.Checks[s])))
		}
	}
	t.row(styled("all", bold), text(strconv.Itoa(services)), text(strconv.Itoa(checks)))
	if err := t.write(a.Out, a.colour()); err != nil {
		return err
	}
	a.say("\n%s, %s", count(o.Incidents, "open incident"), count(o.Runners, "runner"))
	return nil
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func (a *app) incidentsCommand() *cobra.Command {
	var open bool
	var check, service string
	var most int
	cmd := &cobra.Command{
		Use: "incidents", Aliases: []string{"incident"}, Short: "List incidents, newest first", Args: none(),
		Example: `  vedette incidents
  vedette incidents --open
  vedette incidents --service web -n 5
  vedette incidents --open --at 2026-03-14T09:00:00Z`,
	}
	at := a.pastFlag(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&open, "open", false, "only those that are not over")
	flags.StringVar(&check, "check", "", "only those of the check")
	flags.StringVar(&service, "service", "", "only those of the service")
	flags.IntVarP(&most, "limit", "n", 50, "at most so many; 0 for all")
	markDefinition(flags)
	a.complete(cmd, "check", a.checkIDs)
	a.complete(cmd, "service", a.serviceIDs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query := queryOf(map[string]string{"check": check, "service": service})
		if open {
			query.Set("open", "true")
		}
		query, err := a.asOf(*at, query)
		if err != nil {
			return err
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			list, err := c.Incidents(ctx, query, most)
			if err != nil {
				return err
			}
			return a.write(list.Items, func() error { return a.incidentTable(list.Items) })
		})
	}
	return cmd
}

func (a *app) incidentTable(incidents []client.Item[readmodel.IncidentView]) error {
	if len(incidents) == 0 {
		a.say("No incidents.")
		return nil
	}
	t := newTable("ID", "STATE", "OPENED", ">LASTED", "SERVICE", "CAUSE")
	for _, item := range incidents {
		i := item.Value
		state, lasted := styled(i.Resolution, green), time.Duration(i.DurationMS)*time.Millisecond
		if i.Open() {
			state, lasted = styled("open", red), a.Now().Sub(i.OpenedAt)
		}
		t.row(text(i.ID), state, text(clock(a.Now(), i.OpenedAt)), text(elapsed(lasted)), text(i.Service), text(i.Cause))
	}
	return t.write(a.Out, a.colour())
}

func (a *app) runnersCommand() *cobra.Command {
	return &cobra.Command{
		Use: "runners", Short: "List the runners, those at work first", Args: none(),
		Example: "  vedette runners",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Runners(ctx)
				if err != nil {
					return err
				}
				return a.write(list.Items, func() error { return a.runnerTable(list.Items) })
			})
		},
	}
}

func (a *app) runnerTable(runners []client.Item[readmodel.RunnerView]) error {
	if len(runners) == 0 {
		a.say("No runners. Start one: vedette runner --help")
		return nil
	}
	slices.SortStableFunc(runners, func(x, y client.Item[readmodel.RunnerView]) int {
		return boolOrder(x.Value.LeftAt.IsZero(), y.Value.LeftAt.IsZero())
	})
	t := newTable("ID", "LOCATION", "STATE", ">FOR", ">CONCURRENCY", "HOST", "VERSION")
	for _, item := range runners {
		r := item.Value
		state, since := styled("working", green), r.JoinedAt
		if !r.LeftAt.IsZero() {
			state, since = styled(r.Reason, dim), r.LeftAt
		}
		t.row(text(r.ID), text(r.Location), state, text(age(a.Now(), since)), text(strconv.Itoa(r.Concurrency)), text(r.Host), text(r.Version))
	}
	return t.write(a.Out, a.colour())
}

// boolOrder puts true first.
func boolOrder(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	default:
		return 1
	}
}

func ago(now, then time.Time) string {
	if then.IsZero() {
		return "never"
	}
	return age(now, then) + " ago"
}

// queryOf is a query of what is given.
func queryOf(values map[string]string) url.Values {
	query := url.Values{}
	for name, value := range values {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}
