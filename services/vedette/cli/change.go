package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) checkAdd() *cobra.Command {
	var d definitionFlags
	cmd := &cobra.Command{
		Use: "add [ID]", Aliases: []string{"create"}, Short: "Register a check", Args: atMostOne(),
		Long: "Register a check, described by flags, by a file, or by both: flags come before what the file says.\n" +
			"Without an ID the server chooses one. The service must exist.",
		Example: `  vedette check add home --service web --kind http --target https://example.org/ \
    --interval 30s --assert 'status == 200' --assert "latency < duration('800ms')"
  vedette check add home-dns --service web --kind dns --target example.org --option type=MX
  vedette check add --service web --kind http --target https://example.org/ --option headers.Accept=text/html
  vedette check add backup --service db --kind heartbeat --cron '0 2 * * *' --grace 1h
  vedette check add -f home.yaml`,
	}
	d.register(cmd.Flags())
	a.completeDefinition(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if len(args) == 0 && !given(cmd.Flags()) {
				return UsageError{errors.New("say what to check: give --service, --kind and --target, or a file with -f\nSee vedette check add --help")}
			}
			definition, _, err := a.definition(ctx, c, cmd, &d)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				definition["id"] = args[0]
			}
			check, err := c.RegisterCheck(ctx, definition)
			if err != nil {
				return err
			}
			return a.write(check, func() error {
				a.say("%s registered: %s", check.Value.ID, schedule(check.Value.Definition))
				a.sayAddress(c, check)
				return nil
			})
		})
	}
	return cmd
}

func (a *app) checkEdit() *cobra.Command {
	var d definitionFlags
	cmd := &cobra.Command{
		Use: "edit ID", Short: "Change a check by flags, a file, or in an editor", Args: one("check"),
		Long: "Change a check. Flags change what they name: --cron '' takes a field back to its default, --option and\n" +
			"--label add or replace one, or with name- take it away; --assert and --location replace all there are.\n" +
			"With -f the file takes the place of the whole definition; one made by get -o yaml will do. Without any,\n" +
			"the definition is opened in $VISUAL or $EDITOR. When somebody else has changed the check meanwhile,\n" +
			"nothing is overwritten.",
		Example: `  vedette check edit home --interval 1m --failure-threshold 3
  vedette check edit home --option method=HEAD --label team-
  vedette check edit home -f home.yaml
  vedette check edit home`,
		ValidArgsFunction: a.completeArgs(a.checkIDs, 1),
	}
	d.register(cmd.Flags())
	a.completeDefinition(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			check, err := a.editCheck(ctx, c, cmd, args[0], &d)
			if err != nil {
				return err
			}
			return a.write(check, func() error {
				a.say("%s changed: revision %d", check.Value.ID, check.Value.Revision)
				a.sayAddress(c, check)
				return nil
			})
		})
	}
	return cmd
}

func (a *app) editCheck(ctx context.Context, c *client.Client, cmd *cobra.Command, id string, d *definitionFlags) (client.Check, error) {
	check, etag, err := c.Check(ctx, id)
	if err != nil {
		return check, err
	}
	switch {
	case !given(cmd.Flags()):
		return a.editInEditor(ctx, c, check, etag)
	case d.file != "":
		definition, readAt, err := a.definition(ctx, c, cmd, d)
		if err != nil {
			return check, err
		}
		if readAt != "" {
			etag = readAt
		}
		return c.ReplaceCheck(ctx, id, definition, etag)
	default:
		patch, err := d.patch(ctx, c, cmd.Flags(), check.Value.Kind)
		if err != nil {
			return check, err
		}
		return c.PatchCheck(ctx, id, patch, etag)
	}
}

func (a *app) checkRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm ID...", Aliases: []string{"delete"}, Short: "Delete checks; their history stays", Args: some("check"),
		Example:           "  vedette check rm home home-dns",
		ValidArgsFunction: a.completeArgs(a.checkIDs, -1),
		RunE: a.each(func(ctx context.Context, c *client.Client, id string) error {
			if err := c.DeleteCheck(ctx, id); err != nil {
				return err
			}
			a.say("%s deleted", id)
			return nil
		}),
	}
}

func (a *app) checkPause() *cobra.Command {
	return &cobra.Command{
		Use: "pause ID...", Short: "Stop executing checks", Args: some("check"),
		Example:           "  vedette check pause home",
		ValidArgsFunction: a.completeArgs(a.checkIDs, -1),
		RunE: a.each(func(ctx context.Context, c *client.Client, id string) error {
			check, err := c.PauseCheck(ctx, id)
			if err != nil {
				return err
			}
			return a.write(check, func() error { a.say("%s paused", id); return nil })
		}),
	}
}

func (a *app) checkResume() *cobra.Command {
	return &cobra.Command{
		Use: "resume ID...", Short: "Execute paused checks again", Args: some("check"),
		Example:           "  vedette check resume home",
		ValidArgsFunction: a.completeArgs(a.checkIDs, -1),
		RunE: a.each(func(ctx context.Context, c *client.Client, id string) error {
			check, err := c.ResumeCheck(ctx, id)
			if err != nil {
				return err
			}
			return a.write(check, func() error { a.say("%s resumed", id); return nil })
		}),
	}
}

// each does the same with every argument. One that fails does not keep the others from being done;
// the first failure decides how the program ends.
func (a *app) each(do func(ctx context.Context, c *client.Client, id string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			var failures []error
			for _, id := range args {
				if err := do(ctx, c, id); err != nil {
					if len(args) > 1 {
						err = fmt.Errorf("%s: %w", id, err)
					}
					failures = append(failures, err)
				}
			}
			return errors.Join(failures...)
		})
	}
}
