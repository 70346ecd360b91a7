package e2e_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testPast looks at the board of another time, and comes back.
func testPast(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "home", "web", site.base+"/home", map[string]any{"failure_threshold": 1})
	s.check(t, "cart", "web", site.base+"/cart", map[string]any{"failure_threshold": 1})
	p.open("/")
	p.see("h1", "All 2 checks up")
	site.set("home", http.StatusServiceUnavailable, nil)
	p.see("h1", "1 check down")
	p.see(".row[data-s=down]", "503")
	opened, err := time.Parse(time.RFC3339Nano, s.do(t, http.MethodGet, "/incidents/home-1", nil)["opened_at"].(string))
	require.NoError(t, err)
	site.set("home", http.StatusOK, nil)
	p.see("h1", "All 2 checks up")

	// The address names the instant.
	then := url.QueryEscape(opened.Add(50 * time.Millisecond).Format(time.RFC3339Nano))
	p.open("/?at=" + then)
	p.see("h1", "1 was down")
	p.see(".past-bar", "Viewing")
	p.see(".live", "As it was · 2 checks · 1 service · read only")
	p.await("document.querySelector('.row[data-s=down] .name').innerText === 'home'")
	p.await("document.querySelector('.row[data-s=down] path.b-down')")                                // its bar, up to then
	p.await("/^\\d+\\.\\d\\d%$/.test(document.querySelector('.row[data-s=down] .up-val').innerText)") // and its uptime
	p.await("!document.querySelector('a[href=\"/new\"]') && !document.querySelector('button[aria-label=\"Select checks\"]')")
	p.shortcut("x")
	require.False(t, value[bool](p, "Boolean(document.querySelector('.bulk'))"), "the past is read only")

	// It stays at the instant from page to page.
	p.click(".row[data-s=down] .name")
	p.see(".title", "Was down for")
	p.see("section[aria-labelledby=results]", "503")
	p.see(".stats[aria-label=Uptime]", "Coverage")
	require.False(t, value[bool](p, "document.querySelector('main').innerText.includes('Test now')"))
	p.click(".rail a[href='/services']")
	p.see("h1", "1 service was down")
	p.click(".rail a[href='/incidents']")
	p.see("h1", "1 open incident then")
	p.click(".rail a[href='/']")
	p.see("h1", "1 was down")

	// Before anything was on watch there was nothing.
	p.open("/?at=" + url.QueryEscape(opened.Add(-time.Hour).Format(time.RFC3339)))
	p.see("h1", "Nothing was on watch yet")
	p.see(".none", "There was no check at that time")

	p.press("Return to live")
	p.see("h1", "All 2 checks up")
	p.see(".live", "Live")
	p.await("location.search === '' && !document.body.classList.contains('past')")

	// By keys: the scrubber is a slider of minutes.
	p.run("document.querySelector('.scrub input[type=range]').focus()")
	p.shortcut("\u0302") // ArrowLeft
	p.see(".past-bar", "Viewing")
	p.await("/^\\?at=/.test(location.search)")
	p.run("document.activeElement.blur()")
	p.shortcut("\x1b")
	p.see(".live", "Live")
	p.await("location.search === ''")

	// What happened tells which instant to look at, and why it happened.
	p.open("/events?check=home&type=incident.opened")
	p.press("incident.opened")
	p.see(".chain", "Incident home-1 opened")
	p.press("Jump to the cause")
	p.see(".detail", "check.failed")
	p.see(".detail", "View the board at this moment")
	p.run("document.querySelector(\".links a[href^='/?at=']\").click()") // what is above it may still be growing
	p.see(".past-bar", "Viewing")
}
