package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) backupCommand() *cobra.Command {
	var withoutResults bool
	cmd := &cobra.Command{
		Use: "backup DIR|-", Short: "Take a backup of a running server", Args: one("folder, or - for standard output"),
		Long: "Take a backup of both logs while they are in use: into a folder, which is made, or as a tar archive on\n" +
			"standard output. It holds counts, checksums and the head of the chain, and no secret: definitions name\n" +
			"secrets only. vedette restore puts it back.\n\n" +
			"An interrupted backup has no manifest.json, and is replaced when the command is run again.",
		Example: `  vedette backup /backups/2026-03-14
  vedette backup - | zstd > vedette.tar.zst
  vedette backup --without-results - | ssh elsewhere 'cat > vedette.tar'`,
	}
	cmd.Flags().BoolVar(&withoutResults, "without-results", false, "leave the results out: events, and with them definitions, statuses and incidents, are all that is kept")
	markDefinition(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] == "-" && isTerminal(a.Out) {
			return UsageError{errors.New("a backup is nothing for a terminal: redirect it, or name a folder")}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			manifest, err := a.takeBackup(ctx, c, args[0], withoutResults)
			if err != nil {
				return err
			}
			if a.output != "table" && args[0] != "-" {
				return a.write(manifest, nil)
			}
			where := a.Out
			if args[0] == "-" {
				where = a.Err
			}
			return ShowManifest(where, "backed up", manifest)
		})
	}
	return cmd
}

func (a *app) takeBackup(ctx context.Context, c *client.Client, to string, withoutResults bool) (archive.Manifest, error) {
	body, err := c.Backup(ctx, withoutResults)
	if err != nil {
		return archive.Manifest{}, err
	}
	defer func() { _ = body.Close() }() // read to its end, or of no use
	meter := &meter{app: a, begun: a.Now()}
	defer meter.clear()
	each := progressOf(meter)
	var manifest archive.Manifest
	if to == "-" {
		copied := io.TeeReader(body, a.Out)
		if manifest, err = archive.Scan(archive.Tar(copied), each); err == nil {
			_, err = io.Copy(io.Discard, copied)
		}
	} else {
		manifest, err = archive.Unpack(archive.Tar(body), to, each)
	}
	if ctx.Err() != nil {
		return manifest, ctx.Err()
	}
	return manifest, err
}

// progressOf draws the files of a backup as they come: parts are of the same size, but for the last.
func progressOf(m *meter) func(name string, size int64) {
	var done uint64
	log := ""
	return func(name string, size int64) {
		of, _ := path.Split(name)
		if of = strings.TrimSuffix(of, "/"); of != log {
			log, done = of, 0
		}
		done += uint64(max(0, size))
		m.count(of, done)
	}
}

// ShowManifest says what a backup holds, to people.
func ShowManifest(w io.Writer, done string, manifest archive.Manifest) error {
	var f facts
	f.add(done, text("of "+manifest.CreatedAt.Format(time.RFC3339)))
	for _, log := range manifest.Logs {
		f.add(strings.ToLower(log.Name), text(fmt.Sprintf("%s, %d to %d, %s", count(int(log.Messages), "message"), log.First, log.Last, bytesText(log.Size))))
	}
	f.add("head", text(manifest.Head.String()))
	return f.write(w, false)
}

// bytesText is a size for people: "3.4 MiB".
func bytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, names := float64(n)/unit, []string{"KiB", "MiB", "GiB", "TiB"}
	for value >= unit && len(names) > 1 {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %s", value, names[0])
}
