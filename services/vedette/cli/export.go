package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/services/vedette/client"
)

// eventWriter writes events in some format.
type eventWriter interface {
	write(e client.Event) error
	// close writes what is still to be written, and no more.
	close() error
}

func exportFormats() []string { return []string{"ndjson", "parquet"} }

func (a *app) exportEvents() *cobra.Command {
	var f eventFlags
	var format, file string
	cmd := &cobra.Command{
		Use: "export", Short: "Write events to a file, for other programs", Args: none(),
		Long: "Write all events, oldest first, or those selected: as ndjson, one CloudEvent a line, or as parquet, one\n" +
			"row an event, its data as JSON. No more than some thousand events are in memory.\n\n" +
			"A file appears when it is whole.",
		Example: `  vedette events export --format ndjson | gzip > events.ndjson.gz
  vedette events export --format parquet --file events.parquet
  vedette events export --results --from -24h --check home --file home.ndjson
  duckdb -c "select type, count(*) from 'events.parquet' group by type"`,
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "ndjson", "format: ndjson or parquet")
	flags.StringVar(&file, "file", "", "file to write; standard output if not given")
	flags.StringVar(&f.after, "after", "", "begin after this place in the event log")
	flags.StringVar(&f.from, "from", "", "begin at this time, instead of --after: a time (RFC 3339), or a span back from now")
	flags.StringSliceVar(&f.kinds, "type", nil, "only those of the type, such as service.status_changed")
	flags.StringVar(&f.service, "service", "", "only those about the service")
	flags.StringVar(&f.check, "check", "", "only those about the check")
	flags.StringVar(&f.aggregate, "aggregate", "", "only those about a check, service, incident or runner")
	flags.BoolVar(&f.results, "results", false, "the results of executions as well")
	flags.StringVar(&f.where, "where", "", "only those for which the CEL expression is true; see vedette events --help")
	markDefinition(flags)
	a.complete(cmd, "service", a.serviceIDs)
	a.complete(cmd, "check", a.checkIDs)
	a.completeFixed(cmd, "type", eventTypes())
	a.completeFixed(cmd, "format", exportFormats())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		selects, err := parseWhere(f.where)
		if err != nil {
			return UsageError{err}
		}
		if !slices.Contains(exportFormats(), format) {
			return UsageError{fmt.Errorf("--format %q: use %s", format, strings.Join(exportFormats(), " or "))}
		}
		if file == "" && format == "parquet" && isTerminal(a.Out) {
			return UsageError{errors.New("parquet is nothing for a terminal: name a file with --file, or redirect it")}
		}
		if f.after == "" && f.from == "" {
			f.after = "0"
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return a.export(ctx, c, f, selects, format, file)
		})
	}
	return cmd
}

func (a *app) export(ctx context.Context, c *client.Client, f eventFlags, selects *where, format, file string) error {
	if file == "" {
		_, err := a.exportTo(ctx, c, f, selects, format, a.Out)
		return err
	}
	// Beside the file, so that it can be put in its place in one step.
	made, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("--file: %w", err)
	}
	written, err := a.exportTo(ctx, c, f, selects, format, made)
	if err == nil {
		err = made.Sync()
	}
	if err = errors.Join(err, made.Close()); err == nil {
		err = os.Rename(made.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(made.Name()))
	}
	a.say("%s written to %s", count(written, "event"), file)
	return nil
}

func (a *app) exportTo(ctx context.Context, c *client.Client, f eventFlags, selects *where, format string, w io.Writer) (written int, err error) {
	out := bufio.NewWriterSize(w, 1<<20)
	var events eventWriter = ndjson{out}
	if format == "parquet" {
		events = newParquet(out)
	}
	meter := &meter{app: a, begun: a.Now()}
	defer meter.clear()
	err = c.EachEvent(ctx, f.query(), 0, func(e client.Event) error {
		wanted, err := selects.matches(e)
		if err != nil || !wanted {
			return err
		}
		if written++; written%1000 == 0 {
			meter.draw(fmt.Sprintf("%d events", written))
		}
		return events.write(e)
	})
	if err != nil {
		return written, err
	}
	if err := events.close(); err != nil {
		return written, fmt.Errorf("end the export: %w", err)
	}
	return written, out.Flush()
}

// ndjson writes an event a line, as the server sends it.
type ndjson struct{ w io.Writer }

func (n ndjson) write(e client.Event) error {
	_, err := fmt.Fprintf(n.w, "%s\n", e.Raw)
	return err
}

func (ndjson) close() error { return nil }
