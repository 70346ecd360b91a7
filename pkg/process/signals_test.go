package process_test

import (
	"log/slog"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process"
)

func TestTheFirstSignalStopsTheSecondEndsAtOnce(t *testing.T) {
	exited := make(chan int, 1)
	ctx, stop := process.OnSignals(t.Context(), slog.New(slog.DiscardHandler), func(code int) { exited <- code })
	defer stop()
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	<-ctx.Done()
	require.Empty(t, exited)
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGINT))
	require.Equal(t, 130, <-exited)
}
