package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain ID", Short: "Show the chain of causes of an event", Args: one("event, result, incident or check"),
		Long: "Show what led to an event and what followed, causes first: the result, the check's change of status, the\n" +
			"incident, the service's change of status, and who was told, each with the definition then in force.\n\n" +
			"ID is the id or the sequence of an event, the id of a result or its execution, of an incident (its\n" +
			"opening), of a check (its last change of status) or of a command. check:ID and incident:ID tell apart\n" +
			"what has the same id.",
		Example: `  vedette explain home
  vedette explain home-1
  vedette explain 1842 -o json`,
		ValidArgsFunction: a.completeArgs(a.checkIDs, 1),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			causes, err := c.Causes(ctx, args[0])
			if err != nil {
				return err
			}
			return a.write(causes, func() error { return a.showCauses(causes.Value) })
		})
	}
	return cmd
}

func (a *app) showCauses(causes client.Causes) error {
	var f facts
	for _, link := range causes.Chain {
		what := styled(link.Summary, plain)
		if link.ID == causes.Event.ID {
			what = styled(link.Summary, bold)
		}
		f.add(roleName(link.Role), what)
		f.add("", styled(a.linkPlace(link), dim))
		if link.Definition != nil {
			f.add("", styled(a.definitionPlace(*link.Definition), dim))
		}
	}
	if err := f.write(a.Out, a.colour()); err != nil {
		return err
	}
	for _, missing := range causes.Missing {
		a.say("\nmissing: %s", clean(missing))
	}
	return nil
}

// roleName is a role for people.
func roleName(role string) string {
	switch role {
	case "check_status":
		return "check"
	case "service_status":
		return "service"
	}
	return role
}

// linkPlace is where the event of a link is to be found.
func (a *app) linkPlace(link client.CausesLink) string {
	if link.Event == nil {
		return ""
	}
	log := "event"
	if link.Role == "result" {
		log = "results"
	}
	return fmt.Sprintf("%s, %s %s, id %s", clock(a.Now(), link.Event.Time), log, link.Event.Sequence, link.ID)
}

// definitionPlace is "under revision 3 of check/home, of bob at 09:12:00: failure_threshold 2".
func (a *app) definitionPlace(d client.DefinitionInForce) string {
	text := fmt.Sprintf("under revision %d of %s%s, since %s", d.Revision, d.Aggregate, prefixed(" by ", d.Actor), clock(a.Now(), d.Since))
	var policy monitor.Definition
	if json.Unmarshal(d.Definition, &policy) != nil || policy.Kind == "" {
		return text
	}
	text += fmt.Sprintf(": every %s, %s in a row are down", policy.Interval, count(policy.FailureThreshold, "failure"))
	if len(policy.Locations) > 1 {
		text += fmt.Sprintf(", %d of %d locations", policy.Quorum, len(policy.Locations))
	}
	if after := policy.DegradedAfter.Std(); after > 0 {
		text += ", degraded after " + after.Round(time.Millisecond).String()
	}
	return text
}
