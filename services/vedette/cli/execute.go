package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) checkRun() *cobra.Command {
	var location string
	cmd := &cobra.Command{
		Use: "run ID...", Short: "Execute checks now and show what they find", Args: some("check"),
		Long: "Execute checks now, and show phases, assertions with actual values, and the outcome. The results\n" +
			"count as any others do. The exit code is 1 when an outcome is failure or error.",
		Example: `  vedette check run home
  vedette check run home --location eu -o json`,
		ValidArgsFunction: a.completeArgs(a.checkIDs, -1),
	}
	cmd.Flags().StringVar(&location, "location", "", "location to execute it from; the check's first one if not given")
	markDefinition(cmd.Flags())
	cmd.RunE = a.each(func(ctx context.Context, c *client.Client, id string) error {
		result, err := c.RunCheck(ctx, id, location)
		if err != nil {
			return err
		}
		return a.outcome(result)
	})
	return cmd
}

func (a *app) checkTest() *cobra.Command {
	var d definitionFlags
	cmd := &cobra.Command{
		Use: "test [ID]", Short: "Execute a definition that is not registered; store nothing", Args: atMostOne(),
		Long: "Execute a definition once, and show what it finds. Nothing is stored. With the ID of a registered\n" +
			"check, flags try out changes to it. The exit code is 1 when the outcome is failure or error.",
		Example: `  vedette check test --kind http --target https://example.org/ --assert 'status == 200'
  vedette check test home --assert "latency < duration('100ms')"
  vedette check test -f home.yaml`,
		ValidArgsFunction: a.completeArgs(a.checkIDs, 1),
	}
	d.register(cmd.Flags())
	a.completeDefinition(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			definition, err := a.testDefinition(ctx, c, cmd, args, &d)
			if err != nil {
				return err
			}
			result, err := c.TestCheck(ctx, definition)
			if err != nil {
				return err
			}
			return a.outcome(result)
		})
	}
	return cmd
}

func (a *app) testDefinition(ctx context.Context, c *client.Client, cmd *cobra.Command, args []string, d *definitionFlags) (client.Object, error) {
	if len(args) == 0 {
		if !given(cmd.Flags()) {
			return nil, UsageError{errors.New("say what to test: give --kind and --target, a file with -f, or the ID of a check\nSee vedette check test --help")}
		}
		definition, _, err := a.definition(ctx, c, cmd, d)
		return definition, err
	}
	if d.file != "" {
		return nil, UsageError{errors.New("give the ID of a check or a file, not both")}
	}
	check, _, err := c.Check(ctx, args[0])
	if err != nil {
		return nil, err
	}
	definition, err := objectOf(check.Value.Definition)
	if err != nil {
		return nil, err
	}
	patch, err := d.patch(ctx, c, cmd.Flags(), check.Value.Kind)
	if err != nil {
		return nil, err
	}
	return merge(definition, patch), nil
}

// outcome shows a result, and fails when it is one of failure.
func (a *app) outcome(result client.Result) error {
	if err := a.write(result, func() error { return a.showResult(result.Value) }); err != nil {
		return err
	}
	switch result.Value.Outcome {
	case monitor.OutcomeSuccess, monitor.OutcomeDegraded:
		return nil
	case monitor.OutcomeFailure, monitor.OutcomeError:
		return ErrOutcome
	}
	return ErrOutcome
}

func (a *app) showResult(r monitor.Result) error {
	now := a.Now()
	head := cell{{string(r.Outcome), outcomeStyle(r.Outcome)}, {" in " + milliseconds(r.DurationMS), plain}}
	if r.Attempts > 1 {
		head = append(head, span{fmt.Sprintf(", %d attempts", r.Attempts), plain})
	}
	var f facts
	f.add("result", head)
	f.add("error", styled(r.Error, red))
	f.add("phases", text(timings(r.Timings)))
	for i, assertion := range r.Assertions {
		f.add([]string{"assertions", ""}[min(i, 1)], assertionCell(assertion))
	}
	f.add("observed", text(observed(r.Observed)))
	f.add("from", text(fmt.Sprintf("%s, by %s", r.Location, r.Runner)))
	f.add("at", text(clock(now, r.StartedAt)))
	addWire(&f, r.Wire)
	return f.write(a.Out, a.colour())
}

// addWire shows what went over the wire, what was sent behind >, what came behind <.
func addWire(f *facts, entries []monitor.WireEntry) {
	name := "wire"
	line := func(c cell) {
		f.add(name, c)
		name = ""
	}
	for _, e := range entries {
		head := fmt.Sprintf("%9s  %s", milliseconds(e.AtMS), e.What)
		if e.What != "sent" && e.What != "received" {
			line(cell{{head, dim}, {" " + clean(e.Text), plain}})
			continue
		}
		mark := map[bool]string{true: "> ", false: "< "}[e.What == "sent"]
		line(styled(fmt.Sprintf("%s %d bytes", head, e.Bytes), dim))
		for text := range strings.Lines(e.Text) {
			line(cell{{strings.Repeat(" ", 11) + mark, dim}, {clean(strings.TrimRight(text, "\n")), plain}})
		}
	}
}

func assertionCell(r monitor.AssertionResult) cell {
	mark := span{"✓ ", green}
	if !r.Passed {
		mark = span{"✗ ", red}
	}
	c := cell{mark, {clean(r.Expression), plain}}
	if r.Actual != "" {
		c = append(c, span{"   actual " + clean(r.Actual), bold})
	}
	if r.Error != "" {
		c = append(c, span{"   " + clean(r.Error), red})
	}
	return c
}
