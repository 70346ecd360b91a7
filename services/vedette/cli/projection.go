package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/pkg/replay/answer"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) projectionCommand() *cobra.Command {
	group := Group(&cobra.Command{
		Use: "projection", Aliases: []string{"projections"}, Short: "List the read models, and rebuild them while they serve",
		Example: `  vedette projection ls
  vedette projection rebuild activity`,
	})
	group.AddCommand(a.projectionList(), a.projectionRebuild())
	return group
}

func (a *app) projectionList() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the read models and how far they have come", Args: none(),
		Example: "  vedette projection ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Projections(ctx)
				if err != nil {
					return err
				}
				return a.write(list.Items, func() error { return a.projectionTable(list.Items) })
			})
		},
	}
}

func (a *app) projectionTable(projections []client.Item[client.Projection]) error {
	t := newTable("NAME", ">VERSION", ">EVENTS", ">RESULTS", ">FLUSHED", ">GENERATION", "BESIDE")
	for _, item := range projections {
		p := item.Value
		t.row(text(p.Name), text(strconv.Itoa(p.Version)), text(fmt.Sprint(p.Events)), text(fmt.Sprint(p.Results)),
			text(ago(a.Now(), p.FlushedAt)), text(strconv.Itoa(p.Lineage.Serving)), text(beside(p)))
	}
	return t.write(a.Out, a.colour())
}

// beside says what there is besides the generation that serves.
func beside(p client.Projection) string {
	l := p.Lineage
	switch {
	case l.Building != 0 && p.Progress != nil && p.Progress.Generation == l.Building && !p.Progress.Ended():
		return fmt.Sprintf("%d: %s, %.0f %%", l.Building, p.Progress.Phase, p.Progress.Percent)
	case l.Building != 0:
		return fmt.Sprintf("%d: being built", l.Building)
	case l.Previous != 0:
		return fmt.Sprintf("%d: before", l.Previous)
	}
	return ""
}

func (a *app) projectionRebuild() *cobra.Command {
	var all, rollback, prune, detach bool
	cmd := &cobra.Command{
		Use: "rebuild NAME... | --all", Short: "Build read models anew from the log while they serve", Args: Usage(cobra.ArbitraryArgs),
		Long: "Build the next generation of read models from the log beside the one that serves, compare both at the\n" +
			"same position, and switch. Nobody who reads notices. The one before is kept until the next rebuild:\n" +
			"--rollback brings it up to date and switches back to it, --prune removes it.\n\n" +
			"The command shows how far the build has come and ends when it serves; it may be interrupted, since the\n" +
			"build goes on without it. The exit code is 1 when it was given up.",
		Example: `  vedette projection rebuild activity
  vedette projection rebuild --all
  vedette projection rebuild activity --rollback
  vedette projection rebuild activity history --prune`,
		ValidArgsFunction: a.completeArgs(a.projectionNames, -1),
	}
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "every read model")
	flags.BoolVar(&rollback, "rollback", false, "switch back to the generation before, instead")
	flags.BoolVar(&prune, "prune", false, "remove the generation before, instead")
	flags.BoolVar(&detach, "detach", false, "give the order and do not wait")
	markDefinition(flags)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if all == (len(names) > 0) {
			return UsageError{errors.New("name the read models, or use --all: vedette projection ls lists them")}
		}
		if rollback && prune {
			return UsageError{errors.New("--rollback and --prune exclude each other")}
		}
		what := readmodel.OrderRebuild
		if rollback {
			what = readmodel.OrderRollback
		} else if prune {
			what = readmodel.OrderPrune
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if all {
				list, err := c.Projections(ctx)
				if err != nil {
					return err
				}
				for _, item := range list.Items {
					names = append(names, item.Value.Name)
				}
			}
			return a.orderProjections(ctx, c, what, names, detach)
		})
	}
	return cmd
}

func (a *app) projectionNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Projections(ctx)
	words := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		words = append(words, item.Value.Name+"\t"+beside(item.Value))
	}
	return words, err
}

// orderProjections gives all orders, so that the builds run side by side, then follows one after the
// other. What fails does not keep the others from being followed.
func (a *app) orderProjections(ctx context.Context, c *client.Client, what string, names []string, detach bool) error {
	ended := make([]client.Item[client.Projection], 0, len(names))
	var failed error
	var given []string
	for _, name := range names {
		view, err := c.OrderProjection(ctx, name, what)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if given = append(given, name); detach {
			ended = append(ended, view)
		}
	}
	m := &meter{app: a}
	for _, name := range given {
		if detach {
			a.say("%s: ordered", name)
			continue
		}
		view, err := c.FollowBuild(ctx, name, func(p client.Projection) { m.draw(buildText(p)) })
		m.clear()
		if err == nil && view.Value.Lineage.Failed != "" {
			err = errors.New(view.Value.Lineage.Failed)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		ended = append(ended, view)
		a.sayBuilt(what, view.Value)
	}
	if a.output != "table" {
		if err := a.write(ended, nil); err != nil {
			return err
		}
	}
	return failed
}

// buildText is "activity folding ███████░░░  70 %  31,000/s  3s left".
func buildText(p client.Projection) string {
	b := p.Progress
	switch {
	case p.Order != nil && p.Order.ID != p.Lineage.Order:
		return p.Name + " waits for the projector"
	case b == nil || b.Generation != p.Lineage.Building:
		return p.Name + " begins"
	}
	text := meterText(answer.Progress{Reading: p.Name + " " + b.Phase, Done: uint64(10 * b.Percent), Total: 1000, LeftMS: b.LeftMS})
	if b.PerSecond > 0 {
		text += fmt.Sprintf("  %.0f/s", b.PerSecond)
	}
	return text
}

// sayBuilt says what came of an order.
func (a *app) sayBuilt(what string, p client.Projection) {
	l, c, b := p.Lineage, p.Comparison, p.Progress
	switch {
	case what == readmodel.OrderPrune:
		a.say("%s: generation %d serves, none is kept beside", p.Name, l.Serving)
		return
	case b == nil || c == nil || c.New != l.Serving:
		a.say("%s: generation %d serves", p.Name, l.Serving)
		return
	}
	took := b.UpdatedAt.Sub(b.StartedAt)
	a.say("%s: generation %d serves instead of %d, %s in %s", p.Name, c.New, c.Old, count(b.Messages, "message"), elapsed(took))
	if c.Note != "" {
		a.say("  compared at %d and %d: %s", c.OldPosition, c.NewPosition, clean(c.Note))
	}
	a.say("  %s the same, %d different, %d only in the old one, %d only in the new one", entries(c.Same), c.Different, c.OnlyOld, c.OnlyNew)
	for _, s := range c.Samples {
		a.say("  %s\n    old: %s\n    new: %s", clean(s.Key), orNone(s.Old), orNone(s.New))
	}
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func orNone(excerpt string) string {
	if excerpt == "" {
		return "none"
	}
	return clean(excerpt)
}
