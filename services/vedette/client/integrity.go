package client

import (
	"context"
	"encoding/json"

	"github.com/vedette/vedette/pkg/chain"
)

// Verify has the server verify its event log, against heads that were kept elsewhere too. progress
// hears how many events of how many have been read.
func (c *Client) Verify(ctx context.Context, expect []string, progress func(done, total uint64)) (report Item[chain.Report], err error) {
	question := struct {
		Expect []string `json:"expect,omitempty"`
	}{expect}
	err = c.told(ctx, at("verify"), question, "report", func(raw []byte) error {
		var p struct{ Done, Total uint64 }
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		progress(p.Done, p.Total)
		return nil
	}, &report)
	return report, err
}
