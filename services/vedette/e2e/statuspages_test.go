package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testPageEditor publishes a status page, changes it while somebody else does, and takes it away.
func testPageEditor(t *testing.T, w world) {
	s, p := w.start(t)
	for id, name := range map[string]string{"web": "Website", "shop": "Shop", "inner": "Behind the curtain"} {
		s.service(t, id, name)
	}
	p.open("/")
	p.shortcut("gp")
	p.see("h1", "No status page yet")
	p.press("New status page")
	p.see("h1", "New status page")
	p.await("document.querySelector('#f-title')")

	// What is wrong is told where it is wrong, and nothing is stored.
	p.press("Publish page")
	p.see(".err", "name 1 to 100 services")
	p.await("document.querySelector('select[aria-label=\"Service to add\"]').getAttribute('aria-invalid') === 'true'")
	require.InDelta(t, 0, s.do(t, http.MethodGet, "/pages", nil)["total"], 0)

	p.fill("#f-title", "Example")
	p.fill("#f-id", "public")
	for _, id := range []string{"shop", "web"} {
		p.choose("select[aria-label='Service to add']", id)
		p.press("Make public")
	}
	p.click("button[aria-label='Move Website up']")
	p.await("document.activeElement.ariaLabel === 'Move Website down'") // at the top there is no up any more
	p.press("Announce something")
	p.await("document.activeElement.id === 'f-announcements-0--title'")
	p.keys("Maintenance on Saturday")
	p.run("(() => { const e = document.querySelector('input[type=datetime-local]'); e.value = '2030-03-14T22:00'; e.dispatchEvent(new Event('change', {bubbles: true})); })()")
	p.press("Publish page")
	p.see("h1", "Example")
	p.await("location.pathname === '/pages/public'")
	stored := s.do(t, http.MethodGet, "/pages/public", nil)
	require.Equal(t, []any{"web", "shop"}, stored["services"])
	zone, err := time.LoadLocation(value[string](p, "Intl.DateTimeFormat().resolvedOptions().timeZone"))
	require.NoError(t, err)
	said := stored["announcements"].([]any)[0].(map[string]any)
	require.Equal(t, time.Date(2030, 3, 14, 22, 0, 0, 0, zone).UTC().Format(time.RFC3339), said["at"], "in the zone of the reader")
	status, public, err := s.ask(http.MethodGet, "/status/public", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(public), "Maintenance on Saturday")
	require.NotContains(t, string(public), "Behind the curtain")

	// Two who change it decide field by field.
	p.await("document.querySelector('#f-title')?.value === 'Example'")
	p.fill("#f-title", "Mine")
	p.fill("#f-description", "What our customers use.")
	s.do(t, http.MethodPatch, "/pages/public", map[string]any{"title": "Theirs", "show_causes": true})
	p.press("Save page")
	p.see("dialog", "Somebody else changed this page")
	p.see("dialog", "Theirs")
	p.press("Save both")
	p.see(".notices", "Mine saved")
	stored = s.do(t, http.MethodGet, "/pages/public", nil)
	require.Equal(t, "Mine", stored["title"])
	require.Equal(t, "What our customers use.", stored["description"])
	require.Equal(t, true, stored["show_causes"], "what only they changed")

	// Who leaves is asked first.
	p.run("window.asked = 0, window.confirm = () => { window.asked++; return false; }")
	p.fill("#f-description", "Not saved")
	p.click(".rail a[href='/services']")
	require.Equal(t, 1, value[int](p, "window.asked"))
	require.Equal(t, "/pages/public", value[string](p, "location.pathname"))

	p.click("button[aria-label=Delete]")
	p.see("dialog", "Nobody can see it any more")
	p.press("Delete page")
	p.see("h1", "No status page yet")
	status, _, err = s.ask(http.MethodGet, "/api/v1/pages/public", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)
}

// testBadges takes a badge home: of what is public only.
func testBadges(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.service(t, "inner", "Behind the curtain")
	s.check(t, "home", "web", site.base+"/home", nil)
	s.do(t, http.MethodPost, "/pages", map[string]any{"id": "public", "title": "Example", "services": []string{"web"}})

	const picture = "dialog img"
	p.open("/services")
	p.click("button[aria-label='Badge of Website']")
	p.await("document.querySelector('" + picture + "')?.naturalWidth > 0")
	p.press("Uptime")
	p.choose("select[aria-label='Of how many days']", "30")
	p.await("document.querySelector('" + picture + "').getAttribute('src') === '/status/public/badge/web/uptime.svg?window=30d'")
	p.await("document.querySelector('" + picture + "').complete && document.querySelector('" + picture + "').naturalWidth > 0")
	p.fill("dialog input[maxlength]", "Site & <b>")
	texts := value[[]string](p, "[...document.querySelectorAll('dialog input[readonly]')].map((e) => e.value)")
	address := s.base + "/status/public/badge/web/uptime.svg?window=30d&label=Site+%26+%3Cb%3E"
	require.Equal(t, []string{
		`[![Site & \<b\>](` + address + `)](` + s.base + `/status/public)`,
		`<a href="` + s.base + `/status/public"><img src="` + s.base + `/status/public/badge/web/uptime.svg?window=30d&#38;label=Site+%26+%3Cb%3E" alt="Site &#38; &#60;b&#62;"></a>`,
		address,
	}, texts)
	p.run("Object.defineProperty(navigator.clipboard, 'writeText', {value: (text) => { window.copied = text; return Promise.resolve(); }})")
	p.click("button[aria-label='Copy URL']")
	p.see("dialog", "Copied")
	require.Equal(t, address, value[string](p, "window.copied"))

	// What is not public has none, and is told how to become it.
	p.open("/services")
	p.click("button[aria-label='Badge of Behind the curtain']")
	p.see("dialog", "is on no status page")
	p.press("Add it to Example")
	p.await("location.pathname === '/pages/public' && !document.querySelector('dialog')")
	p.see(".ordered", "Behind the curtain")
	p.see(".result", "Not saved yet.")
	require.Equal(t, []any{"web"}, s.do(t, http.MethodGet, "/pages/public", nil)["services"], "not before it is saved")
	p.press("Save page")
	p.see(".notices", "saved")
	require.Equal(t, []any{"web", "inner"}, s.do(t, http.MethodGet, "/pages/public", nil)["services"])
}
