package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

const rowNames = "[...document.querySelectorAll('.row .name')].map((e) => e.innerText)"

// seed registers twelve checks of two services, three of them failing.
func seed(t *testing.T, s *server, site *site) {
	t.Helper()
	s.service(t, "web", "Website")
	s.service(t, "shop", "Shop")
	for i := range 12 {
		id := fmt.Sprintf("check-%02d", i)
		if i < 3 {
			site.set(id, http.StatusServiceUnavailable, nil)
		}
		service := []string{"web", "shop"}[i%2]
		s.check(t, id, service, site.base+"/"+id, map[string]any{"labels": map[string]any{"team": []string{"core", "ops", "web"}[i%3]}})
	}
}

func testBoard(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	seed(t, s, site)
	p.open("/")
	p.see("h1", "3 checks down")
	p.await(rowNames + ".length === 12")
	// The order is that of the moment at which the reader asks: first all is to be known.
	p.await("[...document.querySelectorAll('button')].some((e) => e.innerText.replace(/\\s+/g, ' ').trim() === 'Up 9')")

	// Search, from the keyboard.
	p.shortcut("/")
	p.await("document.activeElement.id === 'search'")
	p.keys("check-1")
	p.await(rowNames + ".join() === 'check-10,check-11'")
	p.await("location.search === '?q=check-1'") // the view is in the address
	p.fill("#search", "\b")
	p.shortcut("\x1b")
	p.await(rowNames + ".length === 12")

	// State tiles, by number.
	p.shortcut("1")
	p.await(rowNames + ".join() === 'check-00,check-01,check-02'")
	p.choose("select[aria-label=Service]", "shop")
	p.await(rowNames + ".join() === 'check-01'")
	p.shortcut("1")
	p.choose("select[aria-label=Service]", "")
	p.choose("select[aria-label=Label]", "team=core")
	p.await(rowNames + ".join() === 'check-00,check-03,check-06,check-09'")
	p.choose("select[aria-label=Sort]", "name")
	// The address alone brings the view back.
	p.open("/?label=team%3Dcore&sort=name&status=up")
	p.await(rowNames + ".join() === 'check-03,check-06,check-09'")
	p.open("/?q=nothing-like-it")
	p.see(".none", "No check matches")
	p.press("Show all")
	p.await(rowNames + ".length === 12")

	// j and k walk, Enter opens, the way back keeps the view.
	p.choose("select[aria-label=Sort]", "name")
	p.run("document.activeElement.blur()")
	p.shortcut("jjj")
	p.await("document.activeElement.innerText === 'check-02'")
	p.shortcut("k")
	p.keys("\r")
	p.see("h1", "check-01")
	p.shortcut("\x1b")
	p.await("location.search === '?sort=name'")

	// The order stays as it is read; the reader asks for the new one.
	p.open("/")
	p.await("[...document.querySelectorAll('button')].some((e) => e.innerText.replace(/\\s+/g, ' ').trim() === 'Up 9')")
	p.shortcut("r") // a busy machine may have been silent on some of them when the page was opened
	p.await(rowNames + "[0] === 'check-00' && " + rowNames + ".at(-1) === 'check-11'")
	site.set("check-11", http.StatusServiceUnavailable, nil)
	p.see("h1", "4 checks down")
	require.Equal(t, "check-11", value[string](p, rowNames+".at(-1)"))
	p.see(".resort", "Order changed")
	p.shortcut("r")
	p.await(rowNames + "[3] === 'check-11'")

	// Anything is a few letters away.
	p.run("dispatchEvent(new Event('focus')), document.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}))")
	p.await("document.querySelector('dialog.palette')")
	p.keys("check-07\r")
	p.see("h1", "check-07")
	p.shortcut("gs")
	p.see("h1", "services down")
}

func testBulk(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	seed(t, s, site)
	p.open("/?label=team%3Dops")
	p.await(rowNames + ".length === 4")
	p.click("button[aria-label='Select checks']")
	p.press("All 4 shown")
	p.see(".bulk", "4 selected")

	p.press("Pause")
	p.see(".notices", "4 checks paused")
	p.await("document.querySelectorAll('.row[data-s=paused]').length === 4")
	p.press("Undo")
	p.see(".notices", "4 checks resumed")
	p.await("document.querySelectorAll('.row[data-s=paused]').length === 0")

	p.press("Label")
	p.fill("dialog input", "tier=gold")
	p.press("Set label")
	p.see(".notices", "4 checks labelled")
	require.Equal(t, map[string]any{"team": "ops", "tier": "gold"}, s.do(t, http.MethodGet, "/checks/check-04", nil)["labels"])
	p.press("Undo")
	p.see(".notices", "4 checks labelled as before")
	require.Equal(t, map[string]any{"team": "ops"}, s.do(t, http.MethodGet, "/checks/check-04", nil)["labels"])

	p.press("Delete")
	p.see("dialog", "cannot be brought back")
	p.press("Delete 4 checks")
	p.see(".notices", "4 checks deleted")
	p.open("/")
	p.await(rowNames + ".length === 8")
	require.InEpsilon(t, 8, s.do(t, http.MethodGet, "/checks", nil)["total"], 0)
}
