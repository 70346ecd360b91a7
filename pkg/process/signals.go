package process

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// OnSignals returns a context that ends at the first SIGINT or SIGTERM, so that the program can
// finish what is in hand. The second one calls exit with the code that shells give for it. stop
// gives the signals back; call it when the program is about to end.
func OnSignals(parent context.Context, log *slog.Logger, exit func(code int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		for again := false; ; again = true {
			s, ok := <-signals
			switch {
			case !ok:
				return
			case again:
				log.Warn("ending at once", "signal", s)
				exit(exitCode(s))
			default:
				log.Info("stopping: what is in hand is finished first; a second signal ends at once", "signal", s)
				cancel()
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		<-listening
		cancel()
	}
}

// exitCode is 128 and the signal's number, as POSIX shells have it.
func exitCode(s os.Signal) int {
	const bySignal = 128
	if number, ok := s.(syscall.Signal); ok {
		return bySignal + int(number)
	}
	return 1
}
