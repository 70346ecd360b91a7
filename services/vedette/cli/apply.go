package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/services/vedette/client"
	"github.com/vedette/vedette/services/vedette/declare"
)

// maxDeclared bounds a file of definitions.
const maxDeclared = 64 << 20

func (a *app) applyCommand() *cobra.Command {
	var files []string
	var prune, dry bool
	cmd := &cobra.Command{
		Use: "apply -f FILE|DIR", Short: "Make services, checks and status pages as files declare them", Args: none(),
		Long: "Read files of YAML or JSON with lists of services, checks and pages, compare them with what the server has,\n" +
			"and create and change what is not as declared. A folder is read with all below it. Everything wrong with\n" +
			"the files is told before anything is changed; what somebody else changes meanwhile is not overwritten.\n\n" +
			"With --prune, what is not declared is deleted: services, checks and pages. --dry-run shows what would be\n" +
			"done, field by field. A heartbeat check that is declared without a token keeps its own.",
		Example: `  vedette export > board.yaml
  vedette apply -f board.yaml --dry-run
  vedette apply -f checks/ --prune`,
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&files, "file", "f", nil, "file or folder to read; - is standard input; repeat for several")
	flags.BoolVar(&prune, "prune", false, "delete what is not declared")
	flags.BoolVar(&dry, "dry-run", false, "show what would be done, and do nothing")
	markDefinition(flags)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(files) == 0 {
			return UsageError{errors.New("name a file or a folder with -f\nSee vedette apply --help")}
		}
		declared, err := a.readDeclared(files)
		if err != nil {
			return err
		}
		if prune && declared.Empty() {
			return UsageError{errors.New("nothing is declared: --prune would delete all there is")}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return a.apply(ctx, c, declared, prune, dry)
		})
	}
	return cmd
}

func (a *app) apply(ctx context.Context, c *client.Client, declared declare.Set, prune, dry bool) error {
	have, revisions, err := existing(ctx, c)
	if err != nil {
		return err
	}
	table, err := kinds.Table()
	if err != nil {
		return fmt.Errorf("kinds of checks: %w", err)
	}
	if err := declare.Validate(declared, have, prune, table.Validate); err != nil {
		return err
	}
	steps, err := declare.Plan(declared, have, prune)
	if err != nil {
		return err
	}
	counts := map[declare.Action]int{}
	for i, s := range steps {
		if !dry {
			if err := a.carryOut(ctx, c, s, revisions[s.What+" "+s.ID]); err != nil {
				return fmt.Errorf("%s %s: %w (done before: %d of %d)", s.What, s.ID, err, i, len(steps))
			}
		}
		counts[s.Action]++
		a.sayStep(s)
	}
	return a.write(steps, func() error {
		verb := ""
		if dry {
			verb = "would be "
		}
		a.say("%s%d created, %d changed, %d deleted, %d unchanged", verb, counts[declare.Create], counts[declare.Update], counts[declare.Delete], counts[declare.Unchanged])
		return nil
	})
}

// sayStep writes what is done with a definition, unless that is nothing.
func (a *app) sayStep(s declare.Step) {
	marks := map[declare.Action]string{declare.Create: "+", declare.Update: "~", declare.Delete: "-"}
	mark, ok := marks[s.Action]
	if !ok {
		return
	}
	a.say("%s %s %s", mark, s.What, clean(s.ID))
	for _, change := range s.Changes {
		a.say("    %s: %s → %s", clean(change.Field), fieldValue(change.From), fieldValue(change.To))
	}
}

// carryOut does one step. etag is that of the revision that was compared.
func (a *app) carryOut(ctx context.Context, c *client.Client, s declare.Step, etag string) (err error) {
	var check client.Check
	switch s.What + " " + string(s.Action) {
	case "service create":
		_, err = c.RegisterService(ctx, s.Definition)
	case "service update":
		_, err = c.ReplaceService(ctx, s.ID, s.Definition, etag)
	case "service delete":
		err = c.DeleteService(ctx, s.ID)
	case "check create":
		check, err = c.RegisterCheck(ctx, s.Definition)
	case "check update":
		check, err = c.ReplaceCheck(ctx, s.ID, s.Definition, etag)
	case "check delete":
		err = c.DeleteCheck(ctx, s.ID)
	case "page create":
		_, err = c.RegisterPage(ctx, s.Definition)
	case "page update":
		_, err = c.ReplacePage(ctx, s.ID, s.Definition, etag)
	case "page delete":
		err = c.DeletePage(ctx, s.ID)
	}
	if err == nil {
		a.sayAddress(c, check)
	}
	return err
}

// existing reads what the server has, and the ETag of each, by "check home".
func existing(ctx context.Context, c *client.Client) (have declare.Set, revisions map[string]string, err error) {
	services, err := c.Services(ctx, nil)
	if err != nil {
		return have, nil, err
	}
	checks, err := c.Checks(ctx, nil)
	if err != nil {
		return have, nil, err
	}
	pages, err := c.Pages(ctx)
	if err != nil {
		return have, nil, err
	}
	revisions = make(map[string]string)
	note := func(what, id string, revision uint64) {
		revisions[what+" "+id] = fmt.Sprintf("%q", fmt.Sprint(revision))
	}
	for _, s := range services.Items {
		have.Services = append(have.Services, s.Value.ServiceDefinition)
		note("service", s.Value.ID, s.Value.Revision)
	}
	for _, check := range checks.Items {
		have.Checks = append(have.Checks, check.Value.Definition)
		note("check", check.Value.ID, check.Value.Revision)
	}
	for _, p := range pages.Items {
		have.Pages = append(have.Pages, p.Value.PageDefinition)
		note("page", p.Value.ID, p.Value.Revision)
	}
	return have, revisions, nil
}

// readDeclared reads files, folders with all below them, and standard input.
func (a *app) readDeclared(names []string) (whole declare.Set, err error) {
	for _, name := range names {
		files := []string{name}
		if name != "-" {
			if files, err = definitionFiles(name); err != nil {
				return whole, UsageError{err}
			}
		}
		for _, file := range files {
			raw, err := a.readFile(file)
			if err != nil {
				return whole, UsageError{err}
			}
			set, err := declare.Parse(raw)
			if err != nil {
				return whole, UsageError{fmt.Errorf("%s: %w", file, err)}
			}
			whole = whole.With(set)
		}
	}
	return whole, nil
}

// definitionFiles are the files of a folder and all below it, in order; a file is itself.
func definitionFiles(name string) (files []string, err error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: there is no .yaml, .yml or .json in it", name)
	}
	return files, err
}

func (a *app) readFile(name string) ([]byte, error) {
	in := a.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // only read
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxDeclared+1))
	if err == nil && len(raw) > maxDeclared {
		err = errors.New("is larger than 64 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return raw, nil
}

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Write all services, checks and status pages, as apply reads them", Args: none(),
		Long: "Write the definitions of all services, checks and status pages: YAML, or JSON with -o json. What was exported\n" +
			"and applied again changes nothing. Secrets are not in it, since definitions name them only.",
		Example: `  vedette export > board.yaml
  vedette export -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				have, _, err := existing(ctx, c)
				if err != nil {
					return err
				}
				return a.write(have, func() error {
					text, err := have.YAML()
					if err != nil {
						return err
					}
					_, err = a.Out.Write(text)
					return err
				})
			})
		},
	}
}
