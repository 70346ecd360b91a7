package api

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
)

// lookForClient is how often somebody looks whether a client still waits for a long answer.
const lookForClient = 250 * time.Millisecond

// whileWaited answers a request whose work ends when its client leaves: nobody would read the answer.
func whileWaited(c *fiber.Ctx) error {
	ctx, cancel := context.WithCancel(c.UserContext())
	watched := make(chan struct{})
	client, ok := c.Context().Conn().(*conn)
	if !ok {
		close(watched)
	} else {
		go func() {
			defer close(watched)
			look := time.NewTicker(lookForClient)
			defer look.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-look.C:
					if left(client.Conn) {
						cancel()
						return
					}
				}
			}
		}()
	}
	c.SetUserContext(ctx)
	err := c.Next()
	cancel()
	<-watched
	return err
}
