package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/vedette/cli"
)

// Program is one invocation.
type Program struct {
	// Args are the arguments after the program's name.
	Args     []string
	In       io.Reader
	Out, Err io.Writer
	// Env looks up environment variables.
	Env func(name string) (string, bool)
	// Exit ends the program at once, at a second signal.
	Exit func(code int)
}

// Run runs the program until it is done, ctx ends, or a signal comes, and returns its exit code.
func Run(ctx context.Context, p Program) int {
	root := p.root() //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(p.Args)
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && !cli.Silent(err) {
		_, _ = fmt.Fprintf(p.Err, "vedette: %v\n", err)
	}
	return cli.ExitCode(err)
}

// The groups of commands in the help.
const (
	groupAll  = "all"
	groupPart = "part"
)

func (p Program) root() *cobra.Command {
	root := cli.Group(&cobra.Command{
		Use:   "vedette",
		Short: "Vedette watches your services and keeps every fact",
		Long: `Vedette watches your services and keeps every fact: an uptime monitor on an event log.

vedette up runs all of it. The other servers run one part each against a NATS server of yours.

Every flag that configures is also an environment variable: --nats-url is VEDETTE_NATS_URL. A flag
comes before its variable. Passwords and tokens are better given as variables: flags can be seen.

` + cli.ExitHelp,
		Example: `  vedette up
  vedette service add web
  vedette check add home --service web --kind http --target https://example.org/
  vedette events --follow`,
		SilenceErrors: true, SilenceUsage: true,
		// cobra calls it after the flags are parsed, before every command.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := process.FromEnvironment(cli.Settings(cmd.Flags()), p.Env); err != nil {
				return cli.UsageError{Err: err}
			}
			return nil
		},
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return cli.UsageError{Err: fmt.Errorf("%w\nSee %s --help", err, cmd.CommandPath())}
	})
	root.AddGroup(
		&cobra.Group{ID: groupAll, Title: "All in one:"},
		&cobra.Group{ID: cli.GroupClient, Title: "Of a running server:"},
		&cobra.Group{ID: groupPart, Title: "One part each:"},
	)
	root.AddCommand(p.upCommand(), p.demoCommand(), p.restoreCommand())
	for _, part := range parts() {
		root.AddCommand(p.partCommand(part))
	}
	root.AddCommand(cli.Commands(cli.Terminal{
		In: p.In, Out: p.Out, Err: p.Err, Env: p.Env, Now: time.Now, Version: process.ThisBuild(version).Version,
	})...)
	root.AddCommand(p.versionCommand(), p.openAPICommand(), p.asyncAPICommand(), p.healthCommand())
	return root
}
