// Command bench measures a whole Vedette from outside: it starts `vedette up` as built, gives it
// checks of its own HTTP and DNS targets, and reads what it did from its API, its metrics and /proc.
//
//	go run ./services/bench                    # the usual: 2,000 checks every 2 s for 20 s
//	go run ./services/bench -checks 10000 -interval 10s -duration 60s
//	go run ./services/bench -what-if           # what a replay costs, and costs others
//	go run ./services/bench -ui                # the board in a browser
//	go run ./services/bench -rebuild           # what a rebuild of everything costs others
//	go run ./services/bench -ramp -interval 1s # raises the load until more than 1 % is missed
//
// The targets run in this process, on the same processors; their time is not counted as Vedette's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"
)

type options struct {
	program     string
	checks      int
	dnsShare    float64
	interval    time.Duration
	duration    time.Duration
	toggles     int
	concurrency int
	ramp        bool
	whatIf      bool
	ui          bool
	rebuild     bool
	folder      string
	durability  string
}

func main() {
	var opt options
	flag.StringVar(&opt.program, "program", "", "vedette to measure; empty builds this workspace's")
	flag.IntVar(&opt.checks, "checks", 2000, "checks to register")
	flag.Float64Var(&opt.dnsShare, "dns", 0.1, "share of DNS checks, 0 to 1; the others are HTTP")
	flag.DurationVar(&opt.interval, "interval", 2*time.Second, "interval of the checks, at least 1s")
	flag.DurationVar(&opt.duration, "duration", 20*time.Second, "how long to measure")
	flag.IntVar(&opt.toggles, "toggles", 20, "how often a target fails and recovers to time the status change")
	flag.IntVar(&opt.concurrency, "concurrency", 512, "concurrency of the runner")
	flag.StringVar(&opt.folder, "folder", "", "where to keep the program's data meanwhile; the disk under it counts; empty for the system's temporary folder")
	flag.StringVar(&opt.durability, "durability", "always", "durability of the program: always or relaxed")
	flag.BoolVar(&opt.ramp, "ramp", false, "add checks step by step until more than 1 % is missed")
	flag.BoolVar(&opt.whatIf, "what-if", false, "replay what was recorded, and measure the load again beside it, instead of the rest")
	flag.BoolVar(&opt.ui, "ui", false, "measure the board in a browser, with 1,000 to 5,000 checks every 10 s, instead of the rest")
	flag.BoolVar(&opt.rebuild, "rebuild", false, "rebuild all read models over and over for the duration, and measure the API and the checks without and meanwhile, instead of the rest")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, opt)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, opt options) error {
	targets, err := startTargets()
	if err != nil {
		return err
	}
	defer targets.close()
	p, err := startProgram(ctx, opt)
	if err != nil {
		return err
	}
	defer p.close()
	b := &bench{options: opt, targets: targets, program: p}
	switch {
	case opt.ramp:
		return b.ramp(ctx)
	case opt.ui:
		return b.measureUI(ctx, os.Stdout)
	case opt.rebuild:
		out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		return errors.Join(b.measureRebuilds(ctx, out), out.Flush())
	}
	return b.measure(ctx, os.Stdout)
}

// ramp measures ever more checks and prints a row each, until more than 1 % is missed.
func (b *bench) ramp(ctx context.Context) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "checks\tdone/s\tmissed %\tCPU s per 1,000\tstart delay p50 ms\tp99 ms\tRSS MiB")
	step := b.checks
	for ; ctx.Err() == nil; b.checks += step {
		r, err := b.load(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d\t%.0f\t%.2f\t%.3f\t%.1f\t%.1f\t%.0f\n",
			r.checks, r.rate, 100*r.missed, r.cpuPer1000, r.delay.p50, r.delay.p99, r.rssMiB)
		if err := out.Flush(); err != nil {
			return err
		}
		if r.missed > 0.01 {
			return nil
		}
	}
	return nil
}
