package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/chain"
	"github.com/vedette/vedette/services/vedette/client"
)

// ErrDamaged: the event log is damaged. What there is to say has been written.
var ErrDamaged = errors.New("the event log is damaged")

func (a *app) verifyCommand() *cobra.Command {
	var head bool
	var expect []string
	cmd := &cobra.Command{
		Use: "verify", Short: "Verify that the event log is as it was written", Args: none(),
		Long: "Read all events and compare them with the hash chain that is kept beside them. What is changed, missing\n" +
			"or put in is named, and the event log is read-only from then on.\n\n" +
			"Somebody who can change events may change the chain beside them too. Keep a head elsewhere, such as\n" +
			"--head prints it, and compare with --expect: no change of an event up to it gets past that.\n\n" +
			"The exit code is 1 when something is wrong.",
		Example: `  vedette verify
  vedette verify --head >> heads.txt
  vedette verify --expect "$(tail -n 1 heads.txt)"`,
	}
	flags := cmd.Flags()
	flags.BoolVar(&head, "head", false, "print the head of the chain, SEQUENCE:HASH, to keep it elsewhere")
	flags.StringArrayVar(&expect, "expect", nil, "head that was kept elsewhere; repeat for several")
	markDefinition(flags)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, text := range expect {
			if _, err := chain.ParseHead(text); err != nil {
				return UsageError{fmt.Errorf("--expect %w", err)}
			}
		}
		return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			meter := &meter{app: a, begun: a.Now()}
			report, err := c.Verify(ctx, expect, func(done, total uint64) { meter.bar("events", done, total) })
			meter.clear()
			if err != nil {
				return err
			}
			if err := a.showVerification(report, head); err != nil {
				return err
			}
			if !report.Value.Whole {
				return ErrDamaged
			}
			return nil
		})
	}
	return cmd
}

func (a *app) showVerification(report client.Item[chain.Report], head bool) error {
	r := report.Value
	if head && r.Whole {
		_, err := fmt.Fprintln(a.Out, r.Head)
		return err
	}
	return a.write(report, func() error {
		took := (time.Duration(r.TookMS) * time.Millisecond).String()
		var f facts
		if r.Whole {
			f.add("log", styled("whole", green))
		} else {
			f.add("log", styled(fmt.Sprintf("damaged: something is wrong with %s; nothing is written any more", count(int(r.Damaged), "event")), red))
		}
		for _, d := range r.Damage {
			f.add("", styled(d.Error(), red))
		}
		f.add("events", text(fmt.Sprintf("%d, from %d to %d, read in %s", r.Events, r.First, r.Last, took)))
		f.add("compared", text(fmt.Sprintf("up to event %d with the chain beside the log", r.Compared)))
		f.add("head", text(r.Head.String()))
		return f.write(a.Out, a.colour())
	})
}
