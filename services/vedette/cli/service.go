package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) serviceCommand() *cobra.Command {
	group := Group(&cobra.Command{
		Use: "service", Aliases: []string{"services"}, Short: "List, show, and change services",
		Example: `  vedette service add web --name 'Web site'
  vedette service ls
  vedette service get web`,
	})
	group.AddCommand(a.serviceList(), a.serviceGet(), a.serviceAdd(), a.serviceEdit(), a.serviceRemove(), a.serviceChanges())
	return group
}

func (a *app) serviceList() *cobra.Command {
	var text, sort string
	var statuses []string
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List services", Args: none(),
		Example: `  vedette service ls
  vedette service ls --status down --sort status
  vedette service ls --at 2h`,
	}
	at := a.pastFlag(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&text, "query", "q", "", "text to look for in id, name and labels")
	flags.StringSliceVar(&statuses, "status", nil, "only those of the status; separate several by commas")
	flags.StringVar(&sort, "sort", "", "order: id, name, status or updated_at; -name reverses")
	markDefinition(flags)
	a.completeFixed(cmd, "status", statusNames())
	a.completeFixed(cmd, "sort", []string{"id", "name", "status", "updated_at"})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query := queryOf(map[string]string{"q": text, "sort": sort, "status": strings.Join(statuses, ",")})
		query, err := a.asOf(*at, query)
		if err != nil {
			return err
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			list, err := c.Services(ctx, query)
			if err != nil {
				return err
			}
			return a.write(list.Items, func() error { return a.serviceTable(list.Items) })
		})
	}
	return cmd
}

func (a *app) serviceTable(services []client.Service) error {
	if len(services) == 0 {
		a.say("No services. Add one: vedette service add --help")
		return nil
	}
	t := newTable("ID", "STATUS", ">FOR", ">CHECKS", "NAME")
	for _, item := range services {
		s := item.Value
		t.row(text(s.ID), statusCell(s.Status), text(age(a.Now(), s.StatusSince)), text(fmt.Sprint(len(s.Members))), text(s.Name))
	}
	return t.write(a.Out, a.colour())
}

func (a *app) serviceGet() *cobra.Command {
	var at *string
	cmd := &cobra.Command{
		Use: "get ID", Aliases: []string{"show"}, Short: "Show a service and its checks", Args: one("service"),
		Example: `  vedette service get web
  vedette service get web --at 2h`,
		ValidArgsFunction: a.completeArgs(a.serviceIDs, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := a.asOf(*at, nil)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				service, err := c.ServiceAsOf(ctx, args[0], query)
				if err != nil {
					return err
				}
				return a.write(service, func() error { return a.showService(ctx, c, service.Value, query) })
			})
		},
	}
	at = a.pastFlag(cmd)
	return cmd
}

func (a *app) showService(ctx context.Context, c *client.Client, s client.ServiceView, query url.Values) error {
	of := url.Values{"service": {s.ID}}
	maps.Copy(of, query)
	checks, err := c.Checks(ctx, of)
	if err != nil {
		return err
	}
	now := a.Now()
	var f facts
	f.add("service", cell{{clean(s.ID), bold}, {clean(nameBeside(s.ID, s.Name)), plain}})
	f.add("status", append(statusCell(s.Status), text(fmt.Sprintf(" for %s, since %s", age(now, s.StatusSince), clock(now, s.StatusSince)))...))
	f.add("description", text(s.Description))
	f.add("roll-up", text(string(s.Rollup)))
	f.add("labels", text(labelsText(s.Labels)))
	f.add("revision", text(fmt.Sprintf("%d, of %s", s.Revision, clock(now, s.UpdatedAt))))
	if err := f.write(a.Out, a.colour()); err != nil || len(checks.Items) == 0 {
		return err
	}
	a.say("")
	return a.checkTable(checks.Items)
}

// serviceFlags are the flags that say what a service is.
type serviceFlags struct {
	file, name, description, rollup string
	labels                          []string
}

func (s *serviceFlags) register(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVarP(&s.file, "file", "f", "", "read the definition from a file, JSON or YAML; - is standard input")
	own.StringVar(&s.name, "name", "", "name for people; the id if not given")
	own.StringVar(&s.description, "description", "", "what it is")
	own.StringVar(&s.rollup, "rollup", "", "how the statuses of its checks make its own: worst (the default), best or majority")
	own.StringArrayVar(&s.labels, "label", nil, "label, key=value; key- takes it away; repeat for several")
	markDefinition(own)
	flags.AddFlagSet(own)
}

// over puts what flags and file say over an object. readAt is the ETag of the revision that the file
// was read at, if it says so.
func (s *serviceFlags) over(a *app, flags *pflag.FlagSet, object client.Object) (definition client.Object, readAt string, err error) {
	if s.file != "" {
		if object, err = a.readObject(s.file); err != nil {
			return nil, "", err
		}
		readAt = givenBack(object, readmodel.ServiceView{}, monitor.ServiceDefinition{})
	}
	patch := client.Object{}
	for name, value := range map[string]string{"name": s.name, "description": s.description, "rollup": s.rollup} {
		if flags.Changed(name) {
			patch[name] = orNull(value)
		}
	}
	labels, err := pairs("label", s.labels)
	if err != nil {
		return nil, "", err
	}
	if len(labels) > 0 {
		patch["labels"] = labels
	}
	return merge(object, patch), readAt, nil
}

func (a *app) serviceAdd() *cobra.Command {
	var s serviceFlags
	cmd := &cobra.Command{
		Use: "add [ID]", Aliases: []string{"create"}, Short: "Register a service", Args: atMostOne(),
		Example: `  vedette service add web
  vedette service add web --name 'Web site' --rollup majority --label team=web
  vedette service add -f web.yaml`,
	}
	s.register(cmd.Flags())
	a.completeFixed(cmd, "rollup", []string{"worst", "best", "majority"})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			definition, _, err := s.over(a, cmd.Flags(), client.Object{})
			if err != nil {
				return err
			}
			if len(args) == 1 {
				definition["id"] = args[0]
			}
			if len(definition) == 0 {
				return UsageError{errors.New("name the service, or give a file with -f\nSee vedette service add --help")}
			}
			service, err := c.RegisterService(ctx, definition)
			if err != nil {
				return err
			}
			return a.write(service, func() error { a.say("%s registered", service.Value.ID); return nil })
		})
	}
	return cmd
}

func (a *app) serviceEdit() *cobra.Command {
	var s serviceFlags
	cmd := &cobra.Command{
		Use: "edit ID", Short: "Change a service by flags or a file", Args: one("service"),
		Long: "Change a service. Flags change what they name; with -f the file takes the place of the whole\n" +
			"definition. When somebody else changes the service meanwhile, nothing is overwritten.",
		Example: `  vedette service edit web --rollup best --label team-
  vedette service edit web -f web.yaml`,
		ValidArgsFunction: a.completeArgs(a.serviceIDs, 1),
	}
	s.register(cmd.Flags())
	a.completeFixed(cmd, "rollup", []string{"worst", "best", "majority"})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !given(cmd.Flags()) {
			return UsageError{errors.New("say what to change\nSee vedette service edit --help")}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			before, etag, err := c.Service(ctx, args[0])
			if err != nil {
				return err
			}
			whole, err := objectOf(before.Value.ServiceDefinition)
			if err != nil {
				return err
			}
			definition, readAt, err := s.over(a, cmd.Flags(), whole)
			if err != nil {
				return err
			}
			if readAt != "" {
				etag = readAt
			}
			service, err := c.ReplaceService(ctx, args[0], definition, etag)
			if err != nil {
				return err
			}
			return a.write(service, func() error {
				a.say("%s changed: revision %d", service.Value.ID, service.Value.Revision)
				return nil
			})
		})
	}
	return cmd
}

func (a *app) serviceRemove() *cobra.Command {
	return &cobra.Command{
		Use: "rm ID...", Aliases: []string{"delete"}, Short: "Delete services that have no checks", Args: some("service"),
		Example:           "  vedette service rm web",
		ValidArgsFunction: a.completeArgs(a.serviceIDs, -1),
		RunE: a.each(func(ctx context.Context, c *client.Client, id string) error {
			if err := c.DeleteService(ctx, id); err != nil {
				return err
			}
			a.say("%s deleted", id)
			return nil
		}),
	}
}
