package api

import (
	"context"

	"github.com/gofiber/fiber/v2"

	whatif "github.com/vedette/vedette/pkg/replay/answer"
)

// replayStream serves POST /api/v1/replays for clients that want to be told how far it has come.
func (s *server) replayStream(c *fiber.Ctx) error {
	if !wantsTelling(c) {
		return whileWaited(c)
	}
	q, err := s.question(c.Body())
	if err != nil {
		return err
	}
	release, err := s.takeReplay()
	if err != nil {
		return err
	}
	s.tellOf(c, long{
		name: "replay", kind: "report", begun: whatif.Progress{Reading: "events"}, release: release,
		run: func(ctx context.Context, progress func(any)) (any, error) {
			return s.whatIf(ctx, q, func(p whatif.Progress) { progress(p) })
		},
	})
	return nil
}
