package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/vedette/client"
)

// Terminal is what the commands read, write and are told by.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Env looks up environment variables.
	Env func(name string) (string, bool)
	// Version names the program.
	Version string
	// Now is the clock, by which ages are told.
	Now func() time.Time
}

// Commands returns the commands, each with the flags that say which server is asked and how the
// answer is written.
func Commands(t Terminal) []*cobra.Command {
	a := &app{Terminal: t}
	commands := []*cobra.Command{
		a.checkCommand(), a.serviceCommand(), a.pageCommand(), a.applyCommand(), a.exportCommand(), a.correctionCommand(), a.overviewCommand(), a.incidentsCommand(), a.eventsCommand(),
		a.explainCommand(), a.verifyCommand(), a.backupCommand(),
		a.runnersCommand(), a.kindsCommand(), a.projectionCommand(), a.replayCommand(),
	}
	for _, c := range commands {
		c.GroupID = GroupClient
		a.serverFlags(c.PersistentFlags())
		must(c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputs(), cobra.ShellCompDirectiveNoFileComp)))
	}
	return commands
}

// GroupClient is the group of the commands in the help of vedette.
const GroupClient = "client"

// app is one invocation. cobra fills its settings in from the flags.
type app struct {
	Terminal
	server, token, output string
}

func (a *app) serverFlags(flags *pflag.FlagSet) {
	flags.StringVar(&a.server, "server", client.DefaultServer, "address of the server")
	flags.StringVar(&a.token, "token", "", "admin token of the server, where it has one; better given as VEDETTE_TOKEN")
	flags.StringVarP(&a.output, "output", "o", "table", "how to write the answer: table, json or yaml")
}

// client returns a client for the server that the flags name.
func (a *app) client() (*client.Client, error) {
	c, err := client.New(a.server, a.token, "vedette/"+a.Version)
	if err != nil {
		return nil, UsageError{err}
	}
	return c, nil
}

// with runs do with a client.
func (a *app) with(ctx context.Context, do func(ctx context.Context, c *client.Client) error) error {
	if err := a.checkOutput(); err != nil {
		return err
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	return do(ctx, c)
}

// say writes a line for people, nothing where the answer is for programs.
func (a *app) say(format string, args ...any) {
	if a.output == "table" {
		_, _ = fmt.Fprintf(a.Out, format+"\n", args...)
	}
}

// isTerminal reports whether people read what is written to w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// colour reports whether colours may be used (https://no-color.org).
func (a *app) colour() bool {
	if forbidden, ok := a.Env("NO_COLOR"); ok && forbidden != "" {
		return false
	}
	if term, _ := a.Env("TERM"); term == "dumb" {
		return false
	}
	return isTerminal(a.Out)
}

// must is for what can only fail by a mistake in this package.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Settings are the flags of a command as the environment may set them: all but those that say what
// a check or service is, lest a variable of another meaning change it.
func Settings(flags *pflag.FlagSet) []process.Setting {
	var settings []process.Setting
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || len(f.Annotations[definitionFlag]) > 0 {
			return
		}
		settings = append(settings, process.Setting{Name: f.Name, Given: f.Changed, Set: f.Value.Set})
	})
	return settings
}

// definitionFlag annotates flags that are part of a definition.
const definitionFlag = "vedette_definition"
