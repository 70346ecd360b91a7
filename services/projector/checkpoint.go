package projector

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/readmodel"
)

// checkpoint is a readmodel.Checkpoint as it is kept, with who wrote it.
type checkpoint struct {
	readmodel.Checkpoint
	// Fence is that of the writer's lease, Flush the number of its write: together no two checkpoints
	// are alike, so that a write whose answer was lost can be known.
	Fence uint64 `json:"fence"`
	Flush uint64 `json:"flush"`
	// Inheriting says that what an older generation holds is still being taken over.
	Inheriting bool `json:"inheriting,omitempty"`
}

// position returns where in its log the read model stands.
func (c *checkpoint) position(ofResults bool) (uint64, string) {
	if ofResults {
		return c.Results, "RESULTS"
	}
	return c.Events, "EVENTS"
}

// next is the checkpoint of a flush that brings the bucket up to a position.
func (w *worker) next(position uint64, rebuilding bool) checkpoint {
	c := checkpoint{Fence: w.fence, Flush: w.kept.Flush + 1, Checkpoint: readmodel.Checkpoint{
		Name: w.name, Version: w.version, FlushedAt: w.opt.Now().UTC().Truncate(time.Millisecond), Rebuilding: rebuilding,
	}}
	if c.Inheriting = w.inheriting; c.Inheriting {
		return c
	}
	if w.ofResults {
		c.Results = position
	} else {
		c.Events = position
	}
	return c
}

func (c *checkpoint) encode() ([]byte, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode the checkpoint: %w", err)
	}
	return raw, nil
}
