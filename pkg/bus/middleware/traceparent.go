package middleware

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/vedette/vedette/pkg/monitor"
)

// Place is a place in a trace, as the W3C's Trace Context has it.
type Place struct {
	Trace [16]byte
	Span  [8]byte
	// Sampled says that whoever began the trace records it.
	Sampled bool
}

// String returns p as a traceparent header.
func (p Place) String() string {
	flags := "00"
	if p.Sampled {
		flags = "01"
	}
	return "00-" + hex.EncodeToString(p.Trace[:]) + "-" + hex.EncodeToString(p.Span[:]) + "-" + flags
}

// ParseTraceparent reads a traceparent header. Versions later than 00 are read as far as it goes, as
// the specification asks.
func ParseTraceparent(header string) (Place, error) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || (parts[0] == "00" && len(parts) != 4) {
		return Place{}, fmt.Errorf("traceparent %q: want 00-<32 hex>-<16 hex>-<2 hex>", header)
	}
	var version, flags [1]byte
	var p Place
	for i, into := range [][]byte{version[:], p.Trace[:], p.Span[:], flags[:]} {
		if len(parts[i]) != 2*len(into) || parts[i] != strings.ToLower(parts[i]) {
			return Place{}, fmt.Errorf("traceparent %q: part %d must be %d lower-case hex digits", header, i+1, 2*len(into))
		}
		if _, err := hex.Decode(into, []byte(parts[i])); err != nil {
			return Place{}, fmt.Errorf("traceparent %q: %w", header, err)
		}
	}
	if p.Trace == [16]byte{} || p.Span == [8]byte{} {
		return Place{}, fmt.Errorf("traceparent %q: ids must not be zero", header)
	}
	p.Sampled = flags[0]&1 == 1
	return p, nil
}

type placeKey struct{}

// WithPlace returns ctx at a place in a trace: what is sent with it belongs to that trace.
func WithPlace(ctx context.Context, p Place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// PlaceOf returns the place in a trace at which ctx is.
func PlaceOf(ctx context.Context) (Place, bool) {
	p, ok := ctx.Value(placeKey{}).(Place)
	return p, ok
}

// traceOf returns the trace to which a message belongs: its correlation id, which is a UUID or is
// made one. So no message has to carry more than it does.
func traceOf(meta monitor.Meta) [16]byte {
	correlation := meta.CorrelationID
	if correlation == "" {
		correlation = meta.ID
	}
	if id, err := uuid.Parse(correlation); err == nil {
		return id
	}
	sum := sha256.Sum256([]byte(correlation))
	return [16]byte(sum[:16])
}

// spanOf returns the span in which a message was sent. What the message causes names it by the
// causation id, and so finds its parent.
func spanOf(messageID string) [8]byte {
	sum := sha256.Sum256([]byte(messageID))
	return [8]byte(sum[:8])
}

// correlationOf returns the correlation id of a trace.
func correlationOf(trace [16]byte) string { return uuid.UUID(trace).String() }

func newSpan() (id [8]byte) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}
