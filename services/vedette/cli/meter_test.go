package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/replay/answer"
)

func TestMetersShowHowFarAReplayHasCome(t *testing.T) {
	require.Equal(t, "events ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 %", meterText(answer.Progress{Reading: "events"}))
	require.Equal(t, "results ███████████████░░░░░░░░░░░░░░░  50 %  3s left", meterText(answer.Progress{Reading: "results", Done: 5, Total: 10, LeftMS: 3200}))
	require.Equal(t, "results ██████████████████████████████ 100 %", meterText(answer.Progress{Reading: "results", Done: 12, Total: 10}))
}
