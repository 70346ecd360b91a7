package e2e_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func itoa(n int) string { return strconv.Itoa(n) }

func testFormErrors(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "home", "web", site.base+"/home", nil)

	p.open("/new")
	p.fill("#f-name", "Home page")
	p.fill("#f-interval", "5 parsecs")
	p.await("[...document.querySelectorAll('summary')].some((e) => e.innerText.startsWith('Redirects'))")
	p.run("[...document.querySelectorAll('summary')].find((e) => e.innerText.startsWith('Redirects')).click()") // closed until somebody looks
	p.fill("#f-options-max_redirects", "99")
	p.fill("input[aria-label='Assertion 1']", "status = 200")
	p.press("Save check")
	p.see(".notice[role=alert]", "fields need other values")
	for _, field := range []string{"#f-target", "#f-interval", "#f-options-max_redirects", "input[aria-label='Assertion 1']"} {
		p.await("document.querySelector(" + strconv.Quote(field) + ").getAttribute('aria-invalid') === 'true'")
	}
	require.Equal(t, "f-target", value[string](p, "document.activeElement.id"), "the first field that is wrong has the focus")
	require.InEpsilon(t, 1, s.do(t, http.MethodGet, "/checks", nil)["total"], 0, "nothing is stored")

	p.press("Use ==")
	p.await("document.querySelector(\"input[aria-label='Assertion 1']\").value === 'status == 200'")
	// The variables of the kind are completed.
	p.press("Add assertion")
	p.keys("laten")
	p.see(".complete", "latency_ms")
	p.shortcut("\r")
	p.keys(" < duration('5s')")
	p.await("document.querySelector(\"input[aria-label='Assertion 2']\").value === \"latency < duration('5s')\"")

	p.fill("#f-interval", "2 s")
	p.fill("#f-timeout", "1s")
	p.fill("#f-options-max_redirects", "3")
	p.fill("#f-target", site.base+"/home")
	p.fill("#f-id", "home")
	p.press("Save check")
	p.see(".notice[role=alert]", "home")
	p.await("location.pathname === '/new'")

	// Who leaves is asked first.
	p.run("window.asked = 0, window.confirm = () => { window.asked++; return false; }")
	p.click(".rail a[href='/services']")
	require.Equal(t, 1, value[int](p, "window.asked"))
	require.Equal(t, "/new", value[string](p, "location.pathname"))

	// What a test sent and received is shown, folded.
	p.press("Test now")
	p.see(".wire summary", "What went over the wire")
	require.False(t, value[bool](p, "document.querySelector('.wire').open"))
	p.press("What went over the wire" + value[string](p, "document.querySelector('.wire .hint').innerText"))
	p.see(".wire li", "GET /home")

	p.fill("#f-id", "home-2")
	p.press("Save check")
	p.see("h1", "Home page")
	stored := s.do(t, http.MethodGet, "/checks/home-2", nil)
	require.Equal(t, []any{"status == 200", "latency < duration('5s')"}, stored["assertions"])
	require.Equal(t, "2s", stored["interval"])
	require.Equal(t, map[string]any{"max_redirects": 3.0}, stored["options"])
}

func testConflict(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "home", "web", site.base+"/home", map[string]any{"timeout": "500ms"})

	p.open("/checks/home/edit")
	p.await("document.querySelector('#f-name')?.value === 'home'")
	p.fill("#f-name", "Mine")
	p.fill("#f-interval", "3s")
	p.fill("#f-failure_threshold", "4")
	// Meanwhile, elsewhere.
	s.do(t, http.MethodPatch, "/checks/home", map[string]any{"name": "Theirs", "interval": "7s", "labels": map[string]any{"team": "web"}})
	p.press("Save changes")
	p.see("dialog", "Somebody else changed this check")
	p.see("dialog", "Theirs")
	require.False(t, value[bool](p, "document.querySelector('dialog').innerText.includes('Failures')"), "what only one of both changed is no conflict")

	// Going back to the form overwrites nothing.
	p.press("Back to the form")
	p.await("!document.querySelector('dialog')")
	p.press("Save changes")
	p.see("dialog", "Somebody else changed this check")
	p.click("dialog input[name=interval]:not(:checked)")
	p.press("Save both")
	p.see("h1", "Mine")
	stored := s.do(t, http.MethodGet, "/checks/home", nil)
	require.Equal(t, "Mine", stored["name"], "mine was kept")
	require.Equal(t, "7s", stored["interval"], "theirs was chosen")
	require.InEpsilon(t, 4, stored["failure_threshold"], 0, "what only I changed")
	require.Equal(t, map[string]any{"team": "web"}, stored["labels"], "what only they changed")
	p.see("section[aria-labelledby=history]", "Failures before down")
}
