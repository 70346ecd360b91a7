package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/services/vedette/client"
)

func (a *app) checkToken() *cobra.Command {
	return &cobra.Command{
		Use: "token ID", Short: "Give a heartbeat check another token, and show its address", Args: one("check"),
		Long: "Give a check of kind heartbeat another token, and show the address to send heartbeats to. Only a digest\n" +
			"of the token is kept, so that this is the one time to see it. The one before is good for nothing from now on.",
		Example:           "  vedette check token backup",
		ValidArgsFunction: a.completeArgs(a.checkIDs, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				check, err := c.RenewToken(ctx, args[0])
				if err != nil {
					return err
				}
				return a.write(check, func() error {
					a.say("%s has a new token", args[0])
					a.sayAddress(c, check)
					return nil
				})
			})
		},
	}
}

// sayAddress shows where heartbeats are to be sent, when the answer does.
func (a *app) sayAddress(c *client.Client, check client.Check) {
	if address, ok := c.HeartbeatAddress(check); ok {
		a.say("send its heartbeats to %s\nwrite the address down: only a digest of its token is kept", address)
	}
}
