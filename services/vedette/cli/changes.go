package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) checkChanges() *cobra.Command {
	return a.changesOf("check", "home", a.checkIDs, func(ctx context.Context, c *client.Client, id string, most int) (client.List[client.Change], error) {
		return c.CheckChanges(ctx, id, most)
	})
}

func (a *app) serviceChanges() *cobra.Command {
	return a.changesOf("service", "web", a.serviceIDs, func(ctx context.Context, c *client.Client, id string, most int) (client.List[client.Change], error) {
		return c.ServiceChanges(ctx, id, most)
	})
}

// readChanges reads the newest changes of something, at most so many.
type readChanges func(ctx context.Context, c *client.Client, id string, most int) (client.List[client.Change], error)

func (a *app) changesOf(what, example string, ids lister, read readChanges) *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use: "changes ID", Short: "Show who changed what of a " + what + ", newest first", Args: one(what),
		Long:              "Show every change of the definition, field by field, from the event log itself: of deleted " + what + "s as well.",
		Example:           fmt.Sprintf("  vedette %[1]s changes %[2]s\n  vedette %[1]s changes %[2]s --limit 5 -o json", what, example),
		ValidArgsFunction: a.completeArgs(ids, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := read(ctx, c, args[0], most)
				if err != nil {
					return err
				}
				return a.write(list.Items, func() error { return a.changeTable(list.Items) })
			})
		},
	}
	cmd.Flags().IntVarP(&most, "limit", "n", 20, "at most so many; 0 is all")
	markDefinition(cmd.Flags())
	return cmd
}

func (a *app) changeTable(changes []client.Item[client.Change]) error {
	t := newTable("TIME", ">REVISION", "WHO", "WHAT", "CHANGES")
	for _, item := range changes {
		change := item.Value
		verb := strings.TrimSuffix(change.Type[strings.LastIndex(strings.TrimSuffix(change.Type, ".v1"), ".")+1:], ".v1")
		first := []cell{text(clock(a.Now(), change.Time)), text(fmt.Sprint(change.Revision)), text(change.Actor), text(verb)}
		if verb == "registered" || verb == "deleted" || len(change.Changes) == 0 {
			t.row(first...)
			continue
		}
		for _, field := range change.Changes {
			t.row(append(first, fieldChangeCell(field))...)
			first = make([]cell, len(first))
		}
	}
	return t.write(a.Out, a.colour())
}

func fieldChangeCell(c client.FieldChange) cell {
	return cell{{clean(c.Field), bold}, {": ", dim}, {fieldValue(c.From), plain}, {" → ", dim}, {fieldValue(c.To), plain}}
}

// fieldValue writes a value in a line: a string as it is, all else as JSON.
func fieldValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "(none)"
	case string:
		return clean(v)
	}
	var out strings.Builder
	plainly := json.NewEncoder(&out)
	plainly.SetEscapeHTML(false)
	if err := plainly.Encode(v); err != nil {
		return clean(fmt.Sprint(v))
	}
	return clean(strings.TrimSuffix(out.String(), "\n"))
}
