package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testFirstRun(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	p.open("/")
	p.see("h1", "Nothing on watch yet")
	p.fill("input[aria-label='Address to watch']", site.base+"/shop")
	p.press("Start watching")
	p.see("h1", "127.0.0.1")
	p.see(".title", "Up for")
	require.InEpsilon(t, 1, s.do(t, http.MethodGet, "/checks", nil)["total"], 0)
}

func testDownAndUp(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")

	p.open("/new")
	p.fill("#f-target", site.base+"/home")
	p.fill("#f-name", "Home page")
	p.fill("#f-interval", "1s")
	p.fill("#f-timeout", "900 ms")
	p.fill("#f-failure_threshold", "2")
	p.fill("input[aria-label='Assertion 1']", "status == 200")
	p.press("Test now")
	p.see(".foot-bar", "200 in")
	p.see(".foot-bar", "1 of 1 assertions passed")
	p.press("Save check")

	p.see("h1", "Home page")
	p.see(".title", "Up for")
	site.failOnce("home") // which is no part of what comes
	p.see("section[aria-labelledby=results]", "actual 502")
	require.Eventually(t, func() bool {
		return strings.Contains(s.do(t, http.MethodGet, "/checks/home-page", nil)["recent"].(string), "DU")
	}, 20*time.Second, 100*time.Millisecond)
	site.set("home", http.StatusServiceUnavailable, nil)
	p.see(".title", "Down for")
	p.see("section[aria-labelledby=incident]", "actual 503")
	p.see("section[aria-labelledby=results]", "actual 503")
	p.see("section[aria-labelledby=history]", "Went down")
	p.await("document.title.startsWith('(1) Home page')")

	p.click(".rail a[href='/']")
	p.see("h1", "1 check down")
	p.see(".row[data-s=down]", "503")
	p.await("document.querySelector('.rail .count')?.innerText === '1'")

	site.set("home", http.StatusOK, nil)
	p.see("h1", "The check is up")
	p.await("!document.querySelector('.rail .count')")
	p.see(".row[data-s=up]", "Home page")

	// What happened is told by its incident.
	p.click(".rail a[href='/incidents']")
	p.see("h1", "No open incident")
	p.press("Home page")
	p.see(".title", "Resolved")
	p.see(".tl", "default: status == 200 · actual 503")
	p.see(".tl", "Home page: up → down")
	p.await("[...document.querySelectorAll('.tl li')].filter((e) => e.innerText.includes('attempt 1,')).length === 2")
	require.False(t, value[bool](p, "document.querySelector('.tl').innerText.includes('502')"))
	p.see(".tl", "Incident resolved")
}

func testReconnect(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "home", "web", site.base+"/home", nil)
	p.open("/")
	p.see(".live", "Live")
	p.see("h1", "The check is up")

	s.stop(t)
	p.see(".live", "Reconnecting · as of")
	require.False(t, value[bool](p, "document.querySelector('main').innerText.includes('Live')"))
	site.set("home", http.StatusInternalServerError, nil)

	s.start(t)
	p.see(".live", "Live")
	p.see("h1", "1 check down")
	// And it is followed again, not only read once.
	site.set("home", http.StatusOK, nil)
	p.see("h1", "The check is up")
}

func testEvents(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.service(t, "shop", "Shop")
	s.check(t, "home", "web", site.base+"/home", nil)
	p.open("/events")
	p.see(".live", "Following")
	p.see(".log", "check.registered")
	p.see(".log", "Website")

	// What happens appears at the top without being asked for.
	s.check(t, "cart", "shop", site.base+"/cart", nil)
	p.see(".log", "cart")
	p.shortcut("f")
	p.see(".live", "Stopped")
	s.check(t, "late", "shop", site.base+"/late", nil)
	p.see(".live", "new event")
	require.False(t, value[bool](p, "document.querySelector('.log').innerText.includes('late')"))
	p.shortcut("f")
	p.see(".log", "late")

	p.choose("select[aria-label=Type]", "check.registered")
	p.gone(".log", "service.registered")
	p.see(".log", "late")
	p.choose("select[aria-label=Service]", "web")
	p.gone(".log", "late")
	p.see(".log", "home")

	p.press("check.registered")
	p.see(".detail", `"type": "vedette.check.registered.v1"`)
	p.shortcut("\x1b")
	p.await("!document.querySelector('.detail')")

	p.open("/events?results=true&check=home")
	p.see(".log", "check.succeeded")
	before := value[int](p, "Number(document.querySelector('.log').getAttribute('aria-rowcount'))")
	p.awaitFor("Number(document.querySelector('.log').getAttribute('aria-rowcount')) >= "+itoa(before+2), 10*time.Second)
}
