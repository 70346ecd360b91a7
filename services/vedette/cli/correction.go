package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) correctionCommand() *cobra.Command {
	group := Group(&cobra.Command{
		Use: "correction", Aliases: []string{"corrections"}, Short: "Correct what a past span counts for",
		Long: "Say of a past span of a check, or of all checks of a service, that it was maintenance or a false positive.\n" +
			"Uptime is computed again by it; what was found stays, and the correction can be withdrawn.",
		Example: `  vedette correction add --check home --from 2h --to 1h --kind false_positive --reason "The runner's network was away."
  vedette correction list --check home
  vedette correction withdraw home-2026-03-14 --reason 'The shop was really down.'`,
	})
	group.AddCommand(a.correctionAdd(), a.correctionList(), a.correctionShow(), a.correctionWithdraw())
	return group
}

func (a *app) correctionAdd() *cobra.Command {
	var check, service, from, to, kind, reason string
	cmd := &cobra.Command{
		Use: "add [ID]", Aliases: []string{"create"}, Short: "Correct a past span", Args: atMostOne(),
		Long: "Correct a past span. Of kind false_positive, what was found down or degraded counts as up; of kind maintenance,\n" +
			"what was found is left out. The span is widened to whole minutes; an execution belongs to the minute in which\n" +
			"it was due. Where several corrections meet, the one added last counts.",
		Example: `  vedette correction add --check home --from 2026-03-14T09:00:00Z --to 2026-03-14T09:20:00Z --kind false_positive --reason "The runner's network was away."
  vedette correction add saturday --service web --from 8h --to 30m --kind maintenance --reason 'The database was moved.'`,
	}
	flags := cmd.Flags()
	flags.StringVar(&check, "check", "", "check that is corrected")
	flags.StringVar(&service, "service", "", "service, all checks of which are corrected")
	flags.StringVar(&from, "from", "", "when the span begins, as in 2026-03-14T09:00:00Z, or so long ago: 2h, 30d")
	flags.StringVar(&to, "to", "", "when it ends; now if not given")
	flags.StringVar(&kind, "kind", "", "maintenance or false_positive")
	flags.StringVar(&reason, "reason", "", "why, for those who see it later")
	markDefinition(flags)
	a.complete(cmd, "check", a.checkIDs)
	a.complete(cmd, "service", a.serviceIDs)
	a.complete(cmd, "kind", func(context.Context, *client.Client) ([]string, error) {
		return []string{string(monitor.CorrectionMaintenance), string(monitor.CorrectionFalsePositive)}, nil
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		definition := client.Object{"kind": kind, "reason": reason, "to": a.Now().UTC()}
		for name, text := range map[string]string{"from": from, "to": to} {
			if text == "" {
				continue
			}
			at, err := parseInstant(a.Now(), text)
			if err != nil {
				return UsageError{fmt.Errorf("--%s %w", name, err)}
			}
			definition[name] = at.UTC().Format(time.RFC3339Nano)
		}
		for name, text := range map[string]string{"check": check, "service": service} {
			if text != "" {
				definition[name] = text
			}
		}
		if len(args) == 1 {
			definition["id"] = args[0]
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			added, err := c.AddCorrection(ctx, definition)
			if err != nil {
				return err
			}
			return a.write(added, func() error {
				a.say("%s: %s counts as %s from %s to %s", added.Value.ID, subjectOf(added.Value), wordOf(added.Value.Kind),
					added.Value.From.Format(time.RFC3339), added.Value.To.Format(time.RFC3339))
				return nil
			})
		})
	}
	return cmd
}

// subjectOf names what is corrected.
func subjectOf(c readmodel.CorrectionView) string {
	if c.Service != "" {
		return "service " + c.Service
	}
	return "check " + c.Check
}

func wordOf(k monitor.CorrectionKind) string { return strings.ReplaceAll(string(k), "_", " ") }

func (a *app) correctionList() *cobra.Command {
	var check, service string
	var standing bool
	var most int
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List corrections, those of the latest spans first", Args: none(),
		Example: `  vedette correction list
  vedette correction list --check home --standing
  vedette correction list --service web -o json`,
	}
	flags := cmd.Flags()
	flags.StringVar(&check, "check", "", "only those of the check and of its service")
	flags.StringVar(&service, "service", "", "only those of the service and of its checks")
	flags.BoolVar(&standing, "standing", false, "only those that are not withdrawn")
	flags.IntVarP(&most, "limit", "n", 50, "at most so many; 0 for all")
	markDefinition(flags)
	a.complete(cmd, "check", a.checkIDs)
	a.complete(cmd, "service", a.serviceIDs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query := queryOf(map[string]string{"check": check, "service": service})
		if standing {
			query.Set("standing", "true")
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			list, err := c.Corrections(ctx, query, most)
			if err != nil {
				return err
			}
			return a.write(list.Items, func() error { return a.correctionTable(list.Items) })
		})
	}
	return cmd
}

func (a *app) correctionTable(corrections []client.Correction) error {
	if len(corrections) == 0 {
		a.say("No corrections.")
		return nil
	}
	now := a.Now()
	t := newTable("ID", "SUBJECT", "KIND", "FROM", ">LASTED", "STATE", "REASON")
	for _, item := range corrections {
		c := item.Value
		state := "standing"
		if !c.WithdrawnAt.IsZero() {
			state = "withdrawn"
		}
		t.row(text(c.ID), text(subjectOf(c)), text(wordOf(c.Kind)), text(clock(now, c.From)), text(monitor.Duration(c.To.Sub(c.From)).String()), text(state), text(c.Reason))
	}
	return t.write(a.Out, a.colour())
}

func (a *app) correctionShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Aliases: []string{"get"}, Short: "Show a correction, withdrawn or not", Args: one("correction"),
		Example:           "  vedette correction show home-2026-03-14",
		ValidArgsFunction: a.completeArgs(a.correctionIDs, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				correction, err := c.Correction(ctx, args[0])
				if err != nil {
					return err
				}
				return a.write(correction, func() error { return a.showCorrection(correction.Value) })
			})
		},
	}
}

func (a *app) showCorrection(c readmodel.CorrectionView) error {
	now := a.Now()
	var f facts
	f.add("correction", styled(clean(c.ID), bold))
	f.add("of", text(subjectOf(c)))
	f.add("kind", text(wordOf(c.Kind)))
	f.add("span", text(fmt.Sprintf("%s to %s, %s", c.From.Format(time.RFC3339), c.To.Format(time.RFC3339), monitor.Duration(c.To.Sub(c.From)))))
	f.add("reason", text(c.Reason))
	f.add("added", text(clock(now, c.AddedAt)))
	if !c.WithdrawnAt.IsZero() {
		f.add("withdrawn", text(fmt.Sprintf("%s · %s", clock(now, c.WithdrawnAt), c.WithdrawnReason)))
	}
	return f.write(a.Out, a.colour())
}

func (a *app) correctionWithdraw() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "withdraw ID", Aliases: []string{"rm"}, Short: "Withdraw a correction: what was found counts again", Args: one("correction"),
		Example:           "  vedette correction withdraw home-2026-03-14 --reason 'The shop was really down.'",
		ValidArgsFunction: a.completeArgs(a.correctionIDs, 1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who see it later")
	markDefinition(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			withdrawn, err := c.WithdrawCorrection(ctx, args[0], reason)
			if err != nil {
				return err
			}
			return a.write(withdrawn, func() error {
				a.say("%s is withdrawn", withdrawn.Value.ID)
				return nil
			})
		})
	}
	return cmd
}

func (a *app) correctionIDs(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Corrections(ctx, url.Values{"standing": {"true"}}, 0)
	words := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		words = append(words, item.Value.ID+"\t"+clean(item.Value.Reason))
	}
	return words, err
}
