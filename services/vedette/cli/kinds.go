package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) kindsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "kinds [KIND]", Short: "List the kinds of checks, or explain one", Args: atMostOne(),
		Long: "List the kinds of checks that the server knows. With a kind, show its options for --option and the\n" +
			"variables of its assertions.",
		Example: `  vedette kinds
  vedette kinds http`,
		ValidArgsFunction: a.completeArgs(a.kindNames, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Kinds(ctx)
				if err != nil {
					return err
				}
				if len(args) == 0 {
					return a.write(list.Items, func() error { return a.kindTable(list.Items) })
				}
				for _, k := range list.Items {
					if k.Value.Name == args[0] {
						return a.write(k, func() error { return a.showKind(k.Value) })
					}
				}
				return &client.Problem{Status: 404, Detail: fmt.Sprintf("there is no kind %q: see vedette kinds", args[0])}
			})
		},
	}
}

func (a *app) kindTable(kinds []client.Item[client.Kind]) error {
	t := newTable("KIND", "TARGET", "EXAMPLE", "WHAT IT DOES")
	for _, k := range kinds {
		t.row(text(k.Value.Name), text(k.Value.Target), text(k.Value.Example), text(k.Value.Summary))
	}
	return t.write(a.Out, a.colour())
}

func (a *app) showKind(k client.Kind) error {
	a.say("%s: %s\nTarget: %s, such as %s\n", k.Name, k.Summary, k.Target, k.Example)
	options := newTable("OPTION", "TYPE", "DEFAULT", "WHAT IT IS")
	optionRows(options, "", k.Options)
	if err := options.write(a.Out, a.colour()); err != nil {
		return err
	}
	a.say("")
	variables := newTable("VARIABLE", "TYPE", "WHAT IT IS")
	for _, v := range k.Variables {
		variables.row(text(v.Name), text(v.Type), text(v.Help))
	}
	return variables.write(a.Out, a.colour())
}

func optionRows(t *table, prefix string, schema client.Schema) {
	for _, name := range schema.Order {
		option := schema.Properties[name]
		if option == nil {
			continue
		}
		if len(option.Properties) > 0 {
			optionRows(t, prefix+name+".", *option)
			continue
		}
		kind := option.Type
		if len(option.Enum) > 0 {
			kind = strings.Join(option.Enum, "|")
		}
		byDefault := ""
		if option.Default != nil {
			byDefault = fmt.Sprint(option.Default)
		}
		t.row(text(prefix+name), text(kind), text(byDefault), text(option.Description))
	}
}
