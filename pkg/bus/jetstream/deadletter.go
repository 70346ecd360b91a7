package jetstream

import (
	"context"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// bury puts a message that cannot be read or handled aside, with the reason, where a person finds
// it. It reports whether it is stored there.
func (b *Bus) bury(ctx context.Context, stream string, m jetstream.Msg, reason error) bool {
	b.metrics.dead.WithLabelValues(stream).Inc()
	b.log.Error("a message was put aside as a dead letter", "stream", stream, "subject", m.Subject(), "reason", reason)
	letter := nats.NewMsg("vedette.dead." + stream + "." + m.Subject())
	maps.Copy(letter.Header, m.Headers())
	// These were for the stream that it comes from.
	for _, name := range []string{jetstream.ExpectedLastSubjSeqHeader, jetstream.ExpectedLastSubjSeqSubjHeader, nats.MsgIdHdr, jetstream.MsgTTLHeader} {
		letter.Header.Del(name)
	}
	letter.Header.Set("Vedette-Reason", reason.Error())
	if meta, err := m.Metadata(); err == nil {
		sequence := strconv.FormatUint(meta.Sequence.Stream, 10)
		letter.Header.Set("Vedette-Sequence", sequence)
		// Whoever else reads the message puts it aside too: once is enough.
		letter.Header.Set(nats.MsgIdHdr, stream+"-"+sequence)
	}
	letter.Data = m.Data()
	if _, err := b.js.PublishMsg(ctx, letter); err != nil {
		b.log.Error("a dead letter could not be stored", "stream", stream, "subject", m.Subject(), "error", err)
		return false
	}
	return true
}
