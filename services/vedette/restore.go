package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/vedette/cli"
)

func (p Program) restoreCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "restore DIR|-", Short: "Put a backup back into an empty server", GroupID: groupAll,
		Args: cli.Usage(cobra.ExactArgs(1)),
		Long: "Put a backup back: from the folder into which vedette backup wrote it, or its tar archive from standard\n" +
			"input. It goes into an empty data folder, which vedette up then uses, or with --nats-url into a NATS\n" +
			"server without Vedette's streams; into anything else it is refused. All is compared: the checksums, and\n" +
			"the head of the chain. Sequences and times stay as they were; read models are rebuilt at the next start.\n\n" +
			"When it fails nothing is left of it. When it is killed it says so at the next start, and is run again.",
		Example: `  vedette restore /backups/2026-03-14 --data /var/lib/vedette
  zstd -dc vedette.tar.zst | vedette restore - --data /var/lib/vedette
  vedette restore /backups/2026-03-14 --nats-url nats://nats:4222 --replicas 3`,
	}
	f := cmd.Flags()
	f.StringVar(&s.data, "data", "", "folder of all data (default $XDG_STATE_HOME/vedette, or ~/.local/state/vedette)")
	s.natsFlags(f, "")
	s.topologyFlags(f)
	s.logFlags(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.Changed("nats-url") && f.Changed("data") {
			return cli.UsageError{Err: errors.New("--data is of the embedded NATS server, and --nats-url says to use another one: give one of them")}
		}
		return p.restore(cmd.Context(), s, args[0])
	}
	return cmd
}

func (p Program) restore(ctx context.Context, s settings, from string) (err error) {
	entries, closeEntries, err := p.backup(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeEntries()) }()
	h, err := p.newHost(s)
	if err != nil {
		return err
	}
	ctx, stop := process.OnSignals(ctx, h.log, h.exit)
	defer stop()
	defer h.close()
	if s.nats.URL == "" {
		if err := h.startServer(); err != nil {
			return err
		}
	}
	if err := h.dial(ctx, "restore"); err != nil {
		return err
	}
	meter := cli.NewMeter(p.Err)
	manifest, err := archive.Restore(ctx, entries, h.bus, func(p archive.Progress) { meter.Show(p.What, p.Done, p.Total) })
	meter.Clear()
	if errors.Is(err, jetstream.ErrNotVacant) {
		return fmt.Errorf("%w: name an empty folder with --data, or another server with --nats-url", err)
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", from, err)
	}
	return cli.ShowManifest(p.Out, "restored", manifest)
}

// backup opens what is to be restored.
func (p Program) backup(from string) (entries archive.Entries, closeEntries func() error, err error) {
	if from == "-" {
		if file, ok := p.In.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
			return nil, nil, cli.UsageError{Err: errors.New("- is standard input: redirect a backup to it, or name a folder")}
		}
		return archive.Tar(p.In), func() error { _, err := io.Copy(io.Discard, p.In); return err }, nil
	}
	folder, err := archive.Folder(from)
	if err != nil {
		return nil, nil, err
	}
	return folder, folder.Close, nil
}
