package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/vedette/client"
)

// completionTimeout is how long a shell waits for the server.
const completionTimeout = 1500 * time.Millisecond

// lister asks the server for what may be completed: words, or words with a tab and a description.
type lister func(ctx context.Context, c *client.Client) ([]string, error)

func (a *app) checkIDs(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Checks(ctx, nil)
	words := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		words = append(words, item.Value.ID+"\t"+string(item.Value.Status)+" "+clean(item.Value.Target))
	}
	return words, err
}

func (a *app) serviceIDs(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Services(ctx, nil)
	words := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		words = append(words, item.Value.ID+"\t"+clean(item.Value.Name))
	}
	return words, err
}

func (a *app) kindNames(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Kinds(ctx)
	words := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		words = append(words, item.Value.Name+"\t"+clean(item.Value.Summary))
	}
	return words, err
}

// ask lists words; a shell is better told nothing than an error.
func (a *app) ask(cmd *cobra.Command, list lister) ([]string, cobra.ShellCompDirective) {
	// cobra completes without the hook that takes the environment in.
	if err := process.FromEnvironment(Settings(cmd.Flags()), a.Env); err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	c, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer c.Close()
	words, err := list(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeArgs completes up to most arguments, any number for -1.
func (a *app) completeArgs(list lister, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.ask(cmd, list)
	}
}

// complete completes the value of a flag.
func (a *app) complete(cmd *cobra.Command, flag string, list lister) {
	must(cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.ask(cmd, list)
	}))
}

func (a *app) completeFixed(cmd *cobra.Command, flag string, words []string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// completeDefinition completes the flags of a definition, the options of its kind among them.
func (a *app) completeDefinition(cmd *cobra.Command) {
	a.complete(cmd, "service", a.serviceIDs)
	a.complete(cmd, "kind", a.kindNames)
	a.complete(cmd, "option", func(ctx context.Context, c *client.Client) ([]string, error) {
		kind := cmd.Flags().Lookup("kind").Value.String()
		schema, err := schemaOf(ctx, c, kind)
		if err != nil {
			return nil, err
		}
		var words []string
		for _, name := range schema.Order {
			words = append(words, name+"=\t"+clean(schema.Properties[name].Description))
		}
		return words, nil
	})
}
