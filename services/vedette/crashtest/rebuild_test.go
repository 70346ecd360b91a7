package crashtest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// TestKilledWhileReadModelsAreRebuilt kills the whole program at any moment of a rebuild of every
// read model, again and again. Afterwards every build has come to its end, readers are answered as
// before, no bucket is left over, and another build finds nothing different.
func TestKilledWhileReadModelsAreRebuilt(t *testing.T) {
	program := build(t, "github.com/vedette/vedette/services/vedette")
	data, port := t.TempDir(), freePort(t)
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	up := func() *process {
		p := start(t, "up", program, "up", "--data", data, "--http", fmt.Sprintf("127.0.0.1:%d", port))
		awaitReady(t, base, p)
		return p
	}
	watched, _ := target(t)
	p := up()
	must(t, http.MethodPost, base+"/api/v1/services", "web", map[string]any{"id": "web"}, http.StatusCreated)
	const checks = 10
	for i := range checks {
		must(t, http.MethodPost, base+"/api/v1/checks", fmt.Sprint("c", i), map[string]any{
			"id": fmt.Sprint("c", i), "service": "web", "kind": "http", "target": watched, "interval": "1s",
		}, http.StatusCreated)
	}
	order := func() {
		for _, projection := range readmodel.Projections() {
			must(t, http.MethodPost, base+"/api/v1/projections/"+projection.Name()+"/rebuild", "", nil, http.StatusAccepted)
		}
	}
	var outages []outage
	for range rounds(t, 4) {
		order()
		select {
		case <-p.done:
			t.Fatalf("it ended by itself:\n%s", p.log.Tail())
		case <-time.After(time.Duration(rand.IntN(800)) * time.Millisecond):
		}
		from := time.Now()
		p.kill()
		p = up()
		outages = append(outages, outage{from, time.Now()})
		require.Len(t, all[monitor.Check](t, base+"/api/v1/checks"), checks, "whichever generation serves")
	}
	awaitBuilt(t, base)
	order()
	for _, view := range awaitBuilt(t, base) {
		require.NotNil(t, view.Comparison, view.Name)
		require.Zero(t, view.Comparison.Different+view.Comparison.OnlyOld+view.Comparison.OnlyNew, "%s: %+v", view.Name, view.Comparison)
		requireNoLeftovers(t, data, view)
	}
	for i := range checks {
		requireNoGap(t, all[monitor.Result](t, fmt.Sprintf("%s/api/v1/checks/c%d/results", base, i)), time.Second, outages)
	}
	p.stop(t)
}

// awaitBuilt waits until nothing is being built.
func awaitBuilt(t *testing.T, base string) (views []readmodel.ProjectionView) {
	t.Helper()
	require.Eventually(t, func() bool {
		var list page[readmodel.ProjectionView]
		require.NoError(t, json.Unmarshal(must(t, http.MethodGet, base+"/api/v1/projections", "", nil, http.StatusOK), &list))
		views = list.Items
		for _, v := range views {
			if v.Lineage.Building != 0 || v.Lineage.Frozen || (v.Order != nil && v.Order.ID != v.Lineage.Order) {
				return false
			}
		}
		return true
	}, 2*time.Minute, 100*time.Millisecond)
	return views
}

// requireNoLeftovers: on the disk there are the buckets of the generations that there are.
func requireNoLeftovers(t *testing.T, data string, v readmodel.ProjectionView) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil //nolint:nilerr // what goes away while it is looked at
		}
		bucket, ok := strings.CutPrefix(entry.Name(), "KV_vedette_")
		if n, of := readmodel.GenerationOf(v.Name, bucket); ok && of {
			require.Contains(t, []int{v.Lineage.Serving, v.Lineage.Previous}, n, "%s is nobody's: %+v", bucket, v.Lineage)
		}
		return nil
	}))
}
