package readmodel

import (
	"fmt"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// A latency sketch answers quantiles to within sketchAccuracy of the value, and sketches of several
// hours merge. At most sketchBins bins are kept: over six decades at this accuracy.
const (
	sketchAccuracy = 0.02
	sketchBins     = 512
)

// latencies is a mergeable sketch of latencies in milliseconds.
type latencies struct{ sketch *ddsketch.DDSketch }

func newLatencies() latencies {
	sketch, err := ddsketch.LogCollapsingLowestDenseDDSketch(sketchAccuracy, sketchBins)
	if err != nil {
		panic(fmt.Sprintf("readmodel: sketch of accuracy %g: %v", sketchAccuracy, err))
	}
	return latencies{sketch}
}

// add counts a latency; what is no latency is not counted.
func (l latencies) add(ms float64) {
	if !(ms >= 0) {
		return
	}
	_ = l.sketch.Add(ms) // refuses only what is beyond 1e300
}

// bytes returns nil for a sketch of nothing.
func (l latencies) bytes() []byte {
	if l.sketch.IsEmpty() {
		return nil
	}
	var raw []byte
	l.sketch.Encode(&raw, false)
	return raw
}

// merge adds what is in raw, as bytes wrote it.
func (l latencies) merge(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	other, err := ddsketch.DecodeDDSketch(raw, store.SparseStoreConstructor, nil)
	if err != nil {
		return fmt.Errorf("read a latency sketch: %w", err)
	}
	if err := l.sketch.MergeWith(other); err != nil {
		return fmt.Errorf("merge latency sketches: %w", err)
	}
	return nil
}

// quantiles returns p50, p95 and p99 in milliseconds, and how many latencies there are.
func (l latencies) quantiles() (count int, p50, p95, p99 float64) {
	values, err := l.sketch.GetValuesAtQuantiles([]float64{0.5, 0.95, 0.99})
	if err != nil { // it is empty
		return 0, 0, 0, 0
	}
	return int(l.sketch.GetCount()), values[0], values[1], values[2]
}
