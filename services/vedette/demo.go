package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/services/vedette/cli"
	"github.com/vedette/vedette/services/vedette/demo"
)

func (p Program) demoCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a Vedette that is full of life", GroupID: groupAll, Args: cli.Usage(cobra.NoArgs),
		Long: "Run all of Vedette in a temporary folder, with targets of its own on this machine: steady, slow, flapping,\n" +
			"failing, and one whose certificate is soon over. Forty checks look at them, and have an hour of history\n" +
			"behind them that is made up: its events are of the actor demo, its results of the runner demo.\n\n" +
			"The folder is removed when it ends. Nothing else is touched.",
		Example: `  vedette demo
  vedette demo --http 127.0.0.1:9000`,
	}
	// All else is as up has it.
	hidden := pflag.NewFlagSet("", pflag.ContinueOnError)
	s.embeddedFlags(hidden)
	s.runnerFlags(hidden)
	s.natsFlags(hidden, "")
	s.topologyFlags(hidden)
	s.apiFlags(cmd.Flags())
	s.logFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context(), s) }
	return cmd
}

func (p Program) demo(ctx context.Context, s settings) (err error) {
	folder, err := os.MkdirTemp("", "vedette-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	targets, err := demo.StartTargets(ctx, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, targets.Close()) }()
	s.data, s.durability, s.locations = folder, durabilityRelaxed, []string{s.location}
	h, err := p.newHost(s)
	if err != nil {
		return err
	}
	h.announce = h.announceUp
	h.furnish = func(ctx context.Context) error { return targets.Write(ctx, h.bus, time.Now()) }
	if err := h.startServer(); err != nil {
		return err
	}
	return h.serve(ctx, "demo", oneByOne())
}
