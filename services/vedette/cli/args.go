package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Usage makes errors about arguments usage errors, and names what is missing.
func Usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return UsageError{fmt.Errorf("%w\nUsage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

// none, one and some are how many arguments a command takes. what names them.
func none() cobra.PositionalArgs {
	return Usage(func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%q is one argument too many", args[0])
		}
		return nil
	})
}

func one(what string) cobra.PositionalArgs {
	return Usage(func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("name the %s", what)
		case len(args) > 1:
			return fmt.Errorf("%q is one argument too many", args[1])
		}
		return nil
	})
}

func some(what string) cobra.PositionalArgs {
	return Usage(func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("name at least one %s", what)
		}
		return nil
	})
}

func atMostOne() cobra.PositionalArgs {
	return Usage(func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%q is one argument too many", args[1])
		}
		return nil
	})
}

// Group makes a command that only has subcommands: alone it shows its help, and a subcommand that
// does not exist is a usage error.
func Group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			text += ": did you mean " + strings.Join(similar, " or ") + "?"
		}
		return UsageError{fmt.Errorf("%s\nSee %s --help", text, cmd.CommandPath())}
	}
	return cmd
}

// exactly wants one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return Usage(func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("name the %s", names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many", args[len(names)])
		}
		return nil
	})
}
