package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
)

func TestLimitsFitTheDisk(t *testing.T) {
	const gib = 1 << 30
	require.Equal(t, jetstream.Limits{Events: 16 * gib, Results: 32 * gib}, fitLimits(jetstream.Limits{}, 1000*gib))
	require.Equal(t, jetstream.Limits{Events: 2 * gib, Results: 4 * gib}, fitLimits(jetstream.Limits{}, 16*gib))
	require.Equal(t, jetstream.Limits{Events: 10 * gib, Results: 4 * gib}, fitLimits(jetstream.Limits{Events: 10 * gib}, 16*gib), "what is given stands")
	size, err := diskSize(t.TempDir())
	require.NoError(t, err)
	require.Positive(t, size)
	_, err = diskSize("/no/such/folder")
	require.Error(t, err)
}
