package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/vedette/vedette/pkg/bus"
)

// The server's codes for an expectation that does not hold: with and without the actual sequence.
const (
	codeWrongSequence         = jetstream.ErrorCode(10071)
	codeWrongSequenceConstant = jetstream.ErrorCode(10164)
	codeMaxBytes              = jetstream.ErrorCode(10077)
	// codeOverlap: a work queue has another consumer of some of the subjects.
	codeOverlap = jetstream.ErrorCode(10100)
)

// expect puts an expectation on a message: the last sequence on the subjects that filter covers.
func expect(m *nats.Msg, filter string, sequence uint64) {
	m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, filter)
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(sequence, 10))
}

// publish stores messages of one stream: all or none, with one sync. It returns the sequence of the
// last; the others are right before it.
func (b *Bus) publish(ctx context.Context, messages []*nats.Msg) (uint64, error) {
	if len(messages) == 1 {
		ack, err := b.js.PublishMsg(ctx, messages[0])
		if err != nil {
			return 0, err
		}
		return ack.Sequence, nil
	}
	// Without waiting for the first acknowledgement: the last one tells of all.
	ack, err := jetstreamext.PublishMsgBatch(ctx, b.js, messages, jetstreamext.BatchFlowControl{AckFirst: false})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// explain turns the server's error into the bus's where there is one.
func (b *Bus) explain(err error, what string, expected uint64) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("write %s: %w", what, err)
	}
	switch api.ErrorCode {
	case codeWrongSequence, codeWrongSequenceConstant:
		b.metrics.conflicts.Inc()
		conflict := &bus.ConflictError{What: what, Expected: expected}
		// "wrong last sequence: 7"
		if _, scanErr := fmt.Sscanf(api.Description, "wrong last sequence: %d", &conflict.Actual); scanErr != nil {
			conflict.Actual = 0
		}
		return conflict
	case codeMaxBytes:
		return fmt.Errorf("write %s: %w: raise its limit or add disk: %w", what, bus.ErrFull, err)
	}
	if api.Description == "maximum bytes exceeded" {
		return fmt.Errorf("write %s: %w: raise its limit or add disk: %w", what, bus.ErrFull, err)
	}
	return fmt.Errorf("write %s: %w", what, err)
}

// message makes a NATS message of headers and body.
func message(subject string, headers map[string]string, body []byte) *nats.Msg {
	m := nats.NewMsg(subject)
	for name, value := range headers {
		// Not Header.Set, which would rewrite the name.
		m.Header[name] = []string{value}
	}
	m.Data = body
	return m
}

// headerOf reads headers by the names they were written with.
func headerOf(h nats.Header) func(string) string {
	return func(name string) string {
		if values := h[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
}

// isConflict reports whether the server refused for an expectation.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == codeWrongSequence || api.ErrorCode == codeWrongSequenceConstant)
}
