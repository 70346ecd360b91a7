package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// testSavedViews gives a view of the board a name, comes back to it, and forgets it.
func testSavedViews(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	seed(t, s, site)
	p.open("/?label=team%3Dcore&sort=name")
	p.await(rowNames + ".join() === 'check-00,check-03,check-06,check-09'")
	p.choose("select[aria-label=View]", " save")
	p.see("dialog", "Save this view")
	p.await("document.querySelector('dialog input')")
	p.fill("dialog input", "Core")
	p.press("Save view")
	p.await("document.querySelector('select[aria-label=View]').selectedOptions[0].text === 'Core'")

	// It outlives the page, and is one choice away.
	p.open("/")
	p.await(rowNames + ".length === 12")
	p.choose("select[aria-label=View]", "label=team%3Dcore&sort=name")
	p.await(rowNames + ".join() === 'check-00,check-03,check-06,check-09'")
	require.Equal(t, "?label=team%3Dcore&sort=name", value[string](p, "location.search"))

	p.open("/settings")
	p.see("section[aria-labelledby=views]", "Core")
	p.click("button[aria-label='Forget view Core']")
	p.gone("section[aria-labelledby=views]", "Core")
	p.open("/")
	p.await(rowNames + ".length === 12")
	require.False(t, value[bool](p, "[...document.querySelector('select[aria-label=View]').options].some((e) => e.text === 'Core')"))
}

// testRebuild builds a read model anew while it serves, reads what was compared, and goes back.
func testRebuild(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "home", "web", site.base+"/home", nil)
	serving := func() float64 {
		t.Helper()
		return s.do(t, http.MethodGet, "/projections/checks", nil)["generations"].(map[string]any)["serving"].(float64)
	}
	require.InDelta(t, 1, serving(), 0)
	p.open("/settings")
	p.see(".models", "generation 1")
	p.click("button[aria-label='Rebuild checks']")
	p.see(".notices", "Generation 2 of checks serves")
	require.InDelta(t, 2, serving(), 0)
	p.run("[...document.querySelectorAll('.models button[aria-expanded]')].find((e) => e.innerText === 'checks').click()")
	p.see(".compared", "Generation 2 holds the same as generation 1")
	p.press("Go back to generation 1")
	p.see(".notices", "Generation 1 of checks serves")
	require.InDelta(t, 1, serving(), 0)
}

// testServices changes how the statuses of checks make that of a service, where it is seen.
func testServices(t *testing.T, w world) {
	site := newSite(t)
	site.set("bad", http.StatusServiceUnavailable, nil)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "bad", "web", site.base+"/bad", map[string]any{"failure_threshold": 1})
	s.check(t, "good", "web", site.base+"/good", nil)
	p.open("/services")
	p.see("h1", "1 service down")
	p.see(".service", "2 checks: 1 down, 1 up")
	p.choose("select[aria-label='Roll-up of Website']", "best")
	p.see(".notices", "best check wins")
	require.Equal(t, "best", s.do(t, http.MethodGet, "/services/web", nil)["rollup"])
	p.see(".service .chip", "Up for")
	p.press("Undo")
	p.see("h1", "1 service down")
	require.Equal(t, "worst", s.do(t, http.MethodGet, "/services/web", nil)["rollup"])
}

// testNewAddress gives a heartbeat check another address: the one before was shown once.
func testNewAddress(t *testing.T, w world) {
	s, p := w.start(t)
	s.service(t, "db", "Database")
	made := s.do(t, http.MethodPost, "/checks", map[string]any{"id": "backup", "service": "db", "kind": "heartbeat", "target": "backup of db1", "interval": "1h"})
	before := made["heartbeat"].(map[string]any)["path"].(string)
	p.open("/checks/backup")
	p.press("New address")
	p.see("dialog", "cannot be shown again")
	p.press("Make a new address")
	p.see("dialog", "Where backup reports")
	address := value[string](p, "document.querySelector('dialog input').value")
	status, _, err := s.ask(http.MethodGet, address[len(s.base):], nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	status, _, err = s.ask(http.MethodGet, before, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)
}
