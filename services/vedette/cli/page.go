package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) pageCommand() *cobra.Command {
	group := Group(&cobra.Command{
		Use: "page", Aliases: []string{"pages"}, Short: "Publish status pages, and tell their readers",
		Example: `  vedette page add public --title Example --service web --service shop
  vedette page announce public 'Maintenance on Saturday' --at 2026-03-14T22:00:00Z --until 2026-03-14T23:00:00Z
  vedette page ls`,
	})
	group.AddCommand(a.pageList(), a.pageGet(), a.pageAdd(), a.pageEdit(), a.pageAnnounce(), a.pageRemove())
	return group
}

func (a *app) pageList() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List status pages, and where they are", Args: none(),
		Example: "  vedette page ls",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Pages(ctx)
				if err != nil {
					return err
				}
				return a.write(list.Items, func() error { return a.pageTable(c, list.Items) })
			})
		},
	}
}

func (a *app) pageTable(c *client.Client, pages []client.Page) error {
	if len(pages) == 0 {
		a.say("No status pages. Publish one: vedette page add --help")
		return nil
	}
	t := newTable("ID", "TITLE", ">SERVICES", "ADDRESS")
	for _, item := range pages {
		p := item.Value
		t.row(text(p.ID), text(p.Title), text(fmt.Sprint(len(p.Services))), text(c.PageAddress(p.ID)))
	}
	return t.write(a.Out, a.colour())
}

func (a *app) pageGet() *cobra.Command {
	return &cobra.Command{
		Use: "get ID", Aliases: []string{"show"}, Short: "Show what a status page is made of", Args: one("page"),
		Example:           "  vedette page get public",
		ValidArgsFunction: a.completeArgs(a.pageIDs, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				page, _, err := c.Page(ctx, args[0])
				if err != nil {
					return err
				}
				return a.write(page, func() error { return a.showPage(c, page.Value) })
			})
		},
	}
}

func (a *app) showPage(c *client.Client, p readmodel.StatusPageView) error {
	now := a.Now()
	var f facts
	f.add("page", cell{{clean(p.ID), bold}, {clean(nameBeside(p.ID, p.Title)), plain}})
	f.add("address", text(c.PageAddress(p.ID)))
	f.add("description", text(p.Description))
	f.add("services", text(strings.Join(p.Services, " ")))
	if p.ShowCauses {
		f.add("causes", text("shown"))
	}
	f.add("revision", text(fmt.Sprintf("%d, of %s", p.Revision, clock(now, p.UpdatedAt))))
	for _, word := range p.Announcements {
		f.add("told", text(fmt.Sprintf("%s · %s", clock(now, word.At), word.Title)))
	}
	return f.write(a.Out, a.colour())
}

// pageFlags are the flags that say what a page is.
type pageFlags struct {
	file, title, description string
	services                 []string
	causes                   bool
}

func (p *pageFlags) register(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVarP(&p.file, "file", "f", "", "read the definition from a file, JSON or YAML; - is standard input")
	own.StringVar(&p.title, "title", "", "title for its readers; the id if not given")
	own.StringVar(&p.description, "description", "", "what stands under the title")
	own.StringArrayVar(&p.services, "service", nil, "service that anybody may see, in the order in which they are shown; repeat for several")
	own.BoolVar(&p.causes, "show-causes", false, "show why an incident was opened, which may tell of addresses inside")
	markDefinition(own)
	flags.AddFlagSet(own)
}

// over is serviceFlags.over for pages.
func (p *pageFlags) over(a *app, flags *pflag.FlagSet, object client.Object) (definition client.Object, readAt string, err error) {
	if p.file != "" {
		if object, err = a.readObject(p.file); err != nil {
			return nil, "", err
		}
		readAt = givenBack(object, readmodel.StatusPageView{}, monitor.PageDefinition{})
	}
	patch := client.Object{}
	for name, value := range map[string]string{"title": p.title, "description": p.description} {
		if flags.Changed(name) {
			patch[name] = orNull(value)
		}
	}
	if flags.Changed("service") {
		patch["services"] = withoutEmpty(p.services)
	}
	if flags.Changed("show-causes") {
		patch["show_causes"] = p.causes
	}
	return merge(object, patch), readAt, nil
}

func (a *app) pageAdd() *cobra.Command {
	var p pageFlags
	cmd := &cobra.Command{
		Use: "add [ID]", Aliases: []string{"create"}, Short: "Publish a status page", Args: atMostOne(),
		Long: "Publish a status page, at /status/ID of the server. Anybody who reaches the server may see it, without a\n" +
			"token: the services that it names, their uptime and incidents, and nothing else.",
		Example: `  vedette page add public --title Example --service web --service shop
  vedette page add -f public.yaml`,
	}
	p.register(cmd.Flags())
	a.complete(cmd, "service", a.serviceIDs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !given(cmd.Flags()) {
			return UsageError{errors.New("say what anybody may see: give --service, or a file with -f\nSee vedette page add --help")}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			definition, _, err := p.over(a, cmd.Flags(), client.Object{})
			if err != nil {
				return err
			}
			if len(args) == 1 {
				definition["id"] = args[0]
			}
			page, err := c.RegisterPage(ctx, definition)
			if err != nil {
				return err
			}
			return a.write(page, func() error {
				a.say("%s is at %s", page.Value.ID, c.PageAddress(page.Value.ID))
				return nil
			})
		})
	}
	return cmd
}

func (a *app) pageEdit() *cobra.Command {
	var p pageFlags
	cmd := &cobra.Command{
		Use: "edit ID", Short: "Change a status page by flags or a file", Args: one("page"),
		Long: "Change a status page. Flags change what they name, --service replaces all there are; with -f the file\n" +
			"takes the place of the whole definition. When somebody else changes it meanwhile, nothing is overwritten.",
		Example: `  vedette page edit public --title 'Example, Inc.'
  vedette page edit public -f public.yaml`,
		ValidArgsFunction: a.completeArgs(a.pageIDs, 1),
	}
	p.register(cmd.Flags())
	a.complete(cmd, "service", a.serviceIDs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !given(cmd.Flags()) {
			return UsageError{errors.New("say what to change\nSee vedette page edit --help")}
		}
		return a.changePage(cmd.Context(), args[0], func(whole client.Object) (client.Object, string, error) {
			return p.over(a, cmd.Flags(), whole)
		})
	}
	return cmd
}

func (a *app) pageAnnounce() *cobra.Command {
	var body, from, until string
	cmd := &cobra.Command{
		Use: "announce ID TITLE", Short: "Tell the readers of a status page something", Args: exactly("page", "title"),
		Example: `  vedette page announce public 'We are looking into it'
  vedette page announce public 'Maintenance' --text 'The shop is closed.' --at 2026-03-14T22:00:00Z --until 2026-03-14T23:00:00Z`,
		ValidArgsFunction: a.completeArgs(a.pageIDs, 1),
	}
	flags := cmd.Flags()
	flags.StringVar(&body, "text", "", "more of it")
	flags.StringVar(&from, "at", "", "when it is about, as in 2026-03-14T22:00:00Z; now if not given")
	flags.StringVar(&until, "until", "", "when it has nothing to say any more; never if not given")
	markDefinition(flags)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		word := client.Object{"title": args[1], "at": a.Now().UTC()}
		for name, value := range map[string]string{"text": body, "at": from, "until": until} {
			if value != "" {
				word[name] = value
			}
		}
		return a.changePage(cmd.Context(), args[0], func(whole client.Object) (client.Object, string, error) {
			words, _ := whole["announcements"].([]any)
			whole["announcements"] = append([]any{word}, words...)
			return whole, "", nil
		})
	}
	return cmd
}

// changePage replaces a page by what change makes of it, unless somebody else was faster.
func (a *app) changePage(ctx context.Context, id string, change func(whole client.Object) (client.Object, string, error)) error {
	return a.with(ctx, func(ctx context.Context, c *client.Client) error {
		before, etag, err := c.Page(ctx, id)
		if err != nil {
			return err
		}
		whole, err := objectOf(before.Value.PageDefinition)
		if err != nil {
			return err
		}
		definition, readAt, err := change(whole)
		if err != nil {
			return err
		}
		if readAt != "" {
			etag = readAt
		}
		page, err := c.ReplacePage(ctx, id, definition, etag)
		if err != nil {
			return err
		}
		return a.write(page, func() error {
			a.say("%s changed: revision %d", id, page.Value.Revision)
			return nil
		})
	})
}

func (a *app) pageRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm ID...", Aliases: []string{"delete"}, Short: "Take status pages away", Args: some("page"),
		Example:           "  vedette page rm public",
		ValidArgsFunction: a.completeArgs(a.pageIDs, -1),
		RunE: a.each(func(ctx context.Context, c *client.Client, id string) error {
			if err := c.DeletePage(ctx, id); err != nil {
				return err
			}
			a.say("%s is gone", id)
			return nil
		}),
	}
}

func (a *app) pageIDs(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Pages(ctx)
	words := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		words = append(words, item.Value.ID+"\t"+clean(item.Value.Title))
	}
	return words, err
}
