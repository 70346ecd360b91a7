package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/chain"
	"github.com/vedette/vedette/pkg/readmodel"
)

// verifier is the integrity of a log that a test damages.
type verifier struct {
	mu     sync.Mutex
	last   *chain.Report
	damage []chain.Damage
	expect []chain.Head
}

func (v *verifier) Integrity() (report chain.Report, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == nil {
		return report, false
	}
	return *v.last, true
}

func (v *verifier) Verify(_ context.Context, expect []chain.Head, progress func(done, total uint64)) (chain.Report, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.expect = expect
	if progress != nil {
		progress(5000, 10_000)
	}
	v.last = &chain.Report{Whole: len(v.damage) == 0, Events: 10_000, First: 1, Last: 10_000, Damage: v.damage, Damaged: uint64(len(v.damage)), CheckedAt: time.Now()}
	return *v.last, nil
}

// damagedBus is a bus that refuses what a damaged one does.
type damagedBus struct {
	*bus.Memory
	verifier *verifier
}

func (d damagedBus) Probe(ctx context.Context) error {
	if report, ok := d.verifier.Integrity(); ok && !report.Whole {
		return bus.ErrCorrupt
	}
	return d.Memory.Probe(ctx)
}

func TestTheEventLogIsVerified(t *testing.T) {
	v := &verifier{}
	w := newWorldOn(t, func(m *bus.Memory) Bus { return damagedBus{m, v} }, func(o *Options) { o.Integrity = v })
	var view IntegrityView
	w.want(http.StatusOK, http.MethodGet, "/api/v1/integrity", nil).into(t, &view)
	require.Equal(t, IntegrityView{State: integrityUnchecked}, view)
	head := chain.Head{Sequence: 7}
	var report chain.Report
	w.want(http.StatusOK, http.MethodPost, "/api/v1/verify", map[string]any{"expect": []string{head.String()}}).into(t, &report)
	require.True(t, report.Whole)
	require.Equal(t, []chain.Head{head}, v.expect)
	w.want(http.StatusOK, http.MethodPost, "/api/v1/verify", nil)
	var overview readmodel.Overview
	w.want(http.StatusOK, http.MethodGet, "/api/v1/overview", nil).into(t, &overview)
	require.Empty(t, overview.ReadOnly)

	v.damage = []chain.Damage{{Sequence: 3, Until: 3, What: chain.Changed}}
	kinds, last := w.toldBy(t, "/api/v1/verify", "")
	require.Equal(t, []string{"progress", "progress", "report"}, kinds)
	require.NoError(t, json.Unmarshal([]byte(last), &report))
	require.False(t, report.Whole)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/integrity", nil).into(t, &view)
	require.Equal(t, integrityDamaged, view.State)
	require.Equal(t, v.damage, view.Report.Damage)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/overview", nil).into(t, &overview)
	require.Equal(t, "the event log is damaged: event 3 is not what it was", overview.ReadOnly)
	w.want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", nil)

	p := w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/verify", `{"expect":["x"],"color":1}`).problem(t)
	require.Len(t, p.Errors, 2)
	require.Contains(t, p.Detail, "vedette verify --head")
	w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/verify", map[string]any{"expect": strings.Split(strings.Repeat(head.String()+" ", 101), " ")[:101]})
}

func TestALogInMemoryIsNotVerified(t *testing.T) {
	w := newWorld(t)
	w.want(http.StatusNotImplemented, http.MethodPost, "/api/v1/verify", nil).problem(t)
}
