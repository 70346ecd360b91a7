package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

func TestAWriteIsReadAtOnce(t *testing.T) {
	w := newWorld(t)
	w.service()
	var group sync.WaitGroup
	for n := range 50 {
		group.Go(func() {
			id := fmt.Sprint("c-", n)
			w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck(id))
			w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/"+id, nil)
		})
	}
	group.Wait()
	var page readmodel.Page[readmodel.CheckView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks?limit=20&sort=-id", nil).into(t, &page)
	require.Equal(t, 50, page.Total)
	require.Len(t, page.Items, 20)
	require.Equal(t, "c-9", page.Items[0].ID)
	seen := map[string]bool{}
	for cursor := ""; ; {
		page = readmodel.Page[readmodel.CheckView]{}
		w.want(http.StatusOK, http.MethodGet, "/api/v1/checks?limit=20&cursor="+cursor, nil).into(t, &page)
		for _, c := range page.Items {
			require.False(t, seen[c.ID])
			seen[c.ID] = true
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	require.Len(t, seen, 50)
}

func TestARepeatWithTheSameKeyTakesEffectOnce(t *testing.T) {
	w := newWorld(t)
	w.service()
	first := w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"), "Idempotency-Key", "k-1")
	again := w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"), "Idempotency-Key", "k-1")
	require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
	require.Equal(t, first.header.Get("Location"), again.header.Get("Location"))
	w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", `{"interval":"10s"}`, "Idempotency-Key", "k-2", "If-Match", `"1"`)
	r := w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", `{"interval":"10s"}`, "Idempotency-Key", "k-2", "If-Match", `"1"`)
	require.Equal(t, `"2"`, r.header.Get("ETag"))
	w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/checks/home", nil, "Idempotency-Key", "k-3")
	w.want(http.StatusNoContent, http.MethodDelete, "/api/v1/checks/home", nil, "Idempotency-Key", "k-3")
	// A key is of one write.
	p := w.want(http.StatusUnprocessableEntity, http.MethodPost, "/api/v1/checks", newCheck("other"), "Idempotency-Key", "k-1").problem(t)
	require.Equal(t, "/docs#problem-idempotency-key", p.Type)
	w.want(http.StatusBadRequest, http.MethodPost, "/api/v1/checks", newCheck("other"), "Idempotency-Key", "a b").problem(t)
	w.want(http.StatusBadRequest, http.MethodPost, "/api/v1/checks", newCheck("other"), "Idempotency-Key", "a~2").problem(t)
}

func TestAnIDIsMadeOfTheName(t *testing.T) {
	w := newWorld(t)
	w.service()
	create := func(name any, headers ...string) string {
		var view readmodel.CheckView
		w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", changed("id", nil, "name", name), headers...).into(t, &view)
		return view.ID
	}
	require.Equal(t, "home-page", create("Home page!"))
	second := create("Home page!", "Idempotency-Key", "key")
	require.Regexp(t, `^home-page-[0-9a-f]{6}$`, second)
	require.Equal(t, second, create("Home page!", "Idempotency-Key", "key"), "a repeat makes no third one")
	require.Regexp(t, `^http-[0-9a-f]{6}$`, create("日本"))
	require.Equal(t, "ber-uns", create("Über uns"))
	var page readmodel.Page[readmodel.CheckView]
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks", nil).into(t, &page)
	require.Equal(t, 4, page.Total)
}

func TestAWriteCanBeLeftToItself(t *testing.T) {
	w := newWorld(t)
	w.service()
	r := w.want(http.StatusAccepted, http.MethodPost, "/api/v1/checks", newCheck("home"), "Prefer", "respond-async", "Idempotency-Key", "k-1")
	require.Equal(t, "respond-async", r.header.Get("Preference-Applied"))
	location := r.header.Get("Location")
	require.Equal(t, "/api/v1/commands/k-1", location)
	var command Command
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, location, nil).into(t, &command)
		return command.State == stateAccepted
	}, testWait, testTick)
	require.Equal(t, "home", command.ID)
	require.EqualValues(t, 1, command.Revision)
	w.want(http.StatusAccepted, http.MethodPost, "/api/v1/checks", newCheck("home"), "Prefer", "respond-async", "Idempotency-Key", "k-2")
	require.Eventually(t, func() bool {
		w.want(http.StatusOK, http.MethodGet, "/api/v1/commands/k-2", nil).into(t, &command)
		return command.State == stateRefused
	}, testWait, testTick)
	require.Equal(t, bus.RefusedExists, command.Refusal.Code)
	w.want(http.StatusOK, http.MethodGet, "/api/v1/commands/never", nil).into(t, &command)
	require.Equal(t, stateUndecided, command.State)
	w.want(http.StatusAccepted, http.MethodDelete, "/api/v1/checks/home", nil, "Prefer", "respond-async")
}

// A patch is based on the definition as it is, not as a read model that is behind shows it.
func TestPatchesOfManyLoseNothing(t *testing.T) {
	w := newWorld(t)
	w.service()
	w.want(http.StatusCreated, http.MethodPost, "/api/v1/checks", newCheck("home"))
	var group sync.WaitGroup
	const patches = 3
	for n := range patches {
		group.Go(func() {
			w.want(http.StatusOK, http.MethodPatch, "/api/v1/checks/home", fmt.Sprintf(`{"labels":{"l%d":"x"}}`, n), "Idempotency-Key", fmt.Sprint("p", n))
		})
	}
	group.Wait()
	var view readmodel.CheckView
	w.want(http.StatusOK, http.MethodGet, "/api/v1/checks/home", nil).into(t, &view)
	require.Len(t, view.Labels, patches)
}

// blind shows nothing of what happens.
type blind struct{ *bus.Memory }

func (blind) Bucket(ctx context.Context, name string) (bus.Bucket, error) {
	return bus.NewMemory().Bucket(ctx, name)
}

func TestAWriteIsAnsweredThoughNobodyProjects(t *testing.T) {
	w := newWorldOn(t, func(m *bus.Memory) Bus { return blind{m} })
	r := w.want(http.StatusCreated, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"})
	require.Equal(t, `"1"`, r.header.Get("ETag"))
	var view readmodel.ServiceView
	r.into(t, &view)
	require.Equal(t, "web", view.Name)
	require.Equal(t, monitor.StatusUnknown, view.Status)
	require.NotZero(t, w.metric("vedette_api_late_reads_total"))
}

// deaf never gets an answer from whoever decides.
type deaf struct {
	*bus.Memory
	err   error
	block chan struct{}
}

func (d deaf) Send(ctx context.Context, _ monitor.CommandMessage) (bus.Outcome, error) {
	if d.block != nil {
		select {
		case <-d.block:
		case <-ctx.Done():
		}
	}
	return bus.Outcome{}, d.err
}

func TestAWriteThatIsNotDecidedSaysWhatToDo(t *testing.T) {
	w := newWorldOn(t, func(m *bus.Memory) Bus {
		return deaf{Memory: m, err: fmt.Errorf("command is stored and not decided yet: %w", context.DeadlineExceeded)}
	})
	r := w.want(http.StatusGatewayTimeout, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}, "Idempotency-Key", "k")
	require.Contains(t, r.problem(t).Detail, "Idempotency-Key: k")
	require.Equal(t, "/api/v1/commands/k", r.header.Get("Location"))
	w.stop()

	for err, status := range map[error]int{
		errors.New("connection lost, with details"): http.StatusInternalServerError,
		fmt.Errorf("EVENTS: %w", bus.ErrFull):       http.StatusInsufficientStorage,
		bus.ErrCorrupt:                              http.StatusServiceUnavailable,
	} {
		w = newWorldOn(t, func(m *bus.Memory) Bus { return deaf{Memory: m, err: err} })
		p := w.want(status, http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}).problem(t)
		require.NotContains(t, p.Detail, "details")
		w.stop()
	}
}

func TestTooManyWritesAreTurnedAway(t *testing.T) {
	block := make(chan struct{})
	w := newWorldOn(t, func(m *bus.Memory) Bus { return deaf{Memory: m, block: block, err: bus.ErrCorrupt} },
		func(o *Options) { o.MaxWrites = 2 })
	var group sync.WaitGroup
	answers := make(chan reply, 8)
	for n := range 8 {
		group.Go(func() {
			answers <- w.call(http.MethodPost, "/api/v1/services", map[string]any{"id": fmt.Sprint("s", n)})
		})
	}
	for range 6 {
		r := <-answers
		require.Equal(t, http.StatusTooManyRequests, r.status)
		r.problem(t)
		require.Equal(t, "1", r.header.Get("Retry-After"))
	}
	close(block)
	group.Wait()
	require.Equal(t, http.StatusServiceUnavailable, (<-answers).status)
}

func TestStoppingAnswersWhatIsInFlight(t *testing.T) {
	block := make(chan struct{})
	w := newWorldOn(t, func(m *bus.Memory) Bus { return deaf{Memory: m, block: block, err: bus.ErrCorrupt} })
	answered := make(chan reply, 1)
	go func() { answered <- w.call(http.MethodPost, "/api/v1/services", map[string]any{"id": "web"}) }()
	require.Eventually(t, func() bool { return w.metric("vedette_api_requests_in_flight") >= 1 }, testWait, testTick)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.stop()
	}()
	close(block)
	require.Equal(t, http.StatusServiceUnavailable, (<-answered).status)
	<-stopped
}
