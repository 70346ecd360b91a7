package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// codeNoRoom: the server has less storage left than a stream reserves.
const codeNoRoom = jetstream.ErrorCode(10047)

// maxHalvings is how often the default limits are halved for a server with little room: down to 64
// and 128 MiB.
const maxHalvings = 8

// log is EVENTS or RESULTS as the server is to have it.
type log struct {
	jetstream.StreamConfig
	// flexible: nobody has said how large it is to be, and it does not exist yet.
	flexible bool
	flag     string
}

// ensureLogs makes EVENTS and RESULTS. A limit that was given is insisted on. Without one, a log that
// exists keeps its own, so that all processes agree, and new ones get the defaults, or less in equal
// shares on a server that has less room: streams reserve what they may take.
func (b *Bus) ensureLogs(ctx context.Context, events, results jetstream.StreamConfig) error {
	logs := []*log{
		{StreamConfig: results, flexible: b.cfg.Limits.Results == 0, flag: "--max-results"},
		{StreamConfig: events, flexible: b.cfg.Limits.Events == 0, flag: "--max-events"},
	}
	for _, l := range logs {
		if err := b.keepLimit(ctx, l); err != nil {
			return err
		}
	}
	for halvings := 0; ; halvings++ {
		short, err := b.tryLogs(ctx, logs)
		switch {
		case err == nil && halvings > 0:
			b.log.Warn("the NATS server has little room: the logs are limited to less than usual",
				"results_bytes", logs[0].MaxBytes, "events_bytes", logs[1].MaxBytes)
			return nil
		case short == nil:
			return err
		case !halve(logs) || halvings == maxHalvings:
			return fmt.Errorf("%w: the server has less room than the %d MiB that the stream reserves: lower %s, or raise the server's max_file_store",
				err, short.MaxBytes>>20, short.flag)
		}
	}
}

// keepLimit gives a log that exists the limit that it has.
func (b *Bus) keepLimit(ctx context.Context, l *log) error {
	if !l.flexible {
		return nil
	}
	stream, err := b.js.Stream(ctx, l.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", l.Name, err)
	}
	l.flexible, l.MaxBytes = false, stream.CachedInfo().Config.MaxBytes
	return nil
}

// tryLogs returns the log for which there is no room, if that is the error.
func (b *Bus) tryLogs(ctx context.Context, logs []*log) (short *log, err error) {
	for _, l := range logs {
		err := b.ensureStream(ctx, l.StreamConfig)
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == codeNoRoom {
			return l, err
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// halve halves what may be halved, and reports whether anything was.
func halve(logs []*log) (halved bool) {
	for _, l := range logs {
		if l.flexible {
			l.MaxBytes /= 2
			halved = true
		}
	}
	return halved
}
