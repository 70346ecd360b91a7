package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// axe reads the rules of accessibility, which come with the packages of the interface.
func axe(t *testing.T) string {
	t.Helper()
	ui := filepath.Join("..", "..", "..", "ui")
	file := filepath.Join(ui, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("VEDETTE_E2E") != "require" {
			t.Skip("axe-core is not there: npm ci in ui/")
		}
		install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--silent")
		install.Dir = ui
		out, err := install.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(source)
}

type violation struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

const audit = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
	.then((r) => { window.audited = r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? ''))})); })`

func testAccessibility(t *testing.T, w world) {
	source := axe(t)
	site := newSite(t)
	s, p := w.start(t)

	check := func(name string) {
		t.Helper()
		if !value[bool](p, "Boolean(window.axe)") {
			p.inject(source)
		}
		for _, theme := range []string{"light", "dark"} {
			p.theme(theme)
			p.run("window.audited = undefined, " + audit)
			p.await("window.audited")
			require.Empty(t, value[[]violation](p, "window.audited"), "%s, %s", name, theme)
		}
	}
	p.open("/")
	p.see("h1", "Nothing on watch yet")
	check("first run")

	seed(t, s, site)
	s.do(t, http.MethodPost, "/checks/check-05/pause", nil)
	site.set("check-07", http.StatusOK, slow)
	s.do(t, http.MethodPatch, "/checks/check-07", map[string]any{"degraded_after": "50ms"})
	p.see("h1", "3 checks down")
	p.see(".stat[data-s=degraded]", "1")
	p.see(".stat[data-s=up]", "7")
	check("board")
	p.shortcut("x")
	check("board, selecting")
	p.shortcut("\x1b?")
	p.see("dialog", "Keyboard")
	check("keyboard")

	p.open("/checks/check-00")
	p.see("section[aria-labelledby=results]", "503")
	p.await("document.querySelector('.plot canvas')")
	p.click("section[aria-labelledby=results] .more")
	p.await("document.querySelector('.inside')")
	check("check")
	p.open("/checks/check-00/edit")
	p.await("document.querySelector('#f-name')?.value === 'check-00'")
	p.fill("#f-interval", "never")
	p.press("Test now")
	p.await("document.querySelector('#f-interval').getAttribute('aria-invalid') === 'true'")
	check("form with an error")
	p.run("window.confirm = () => true")
	p.press("Cancel")
	p.see("h1", "check-00")

	for _, place := range []struct{ path, selector, text string }{
		{"/services", ".service", "check-01"},
		{"/incidents", ".incidents", "check-02"},
		{"/incidents/check-00-1", ".tl", "Incident opened"},
		{"/events", ".log", "check.registered"},
		{"/runners", ".table", "default"},
		{"/no-such-page", "h1", "There is no such page"},
	} {
		p.open(place.path)
		p.see(place.selector, place.text)
		check(place.path)
	}
	p.press("To the dashboard")
	p.see("h1", "3 checks down")
	p.open("/?group=service&sort=name")
	p.see(".group-row", "Website")
	check("board, grouped")
	p.open("/settings")
	p.see(".models", "checks")
	p.run("[...document.querySelectorAll('.models button[aria-expanded]')].find((e) => e.innerText === 'checks').click()")
	p.see(".build", "Version")
	check("settings")

	s.do(t, http.MethodPost, "/pages", map[string]any{
		"id": "public", "title": "Example", "services": []string{"web", "shop"}, "announcements": []any{map[string]any{"title": "Maintenance", "at": "2030-03-14T22:00:00Z"}},
	})
	p.open("/pages")
	p.see(".table", "Example")
	check("status pages")
	p.press("Badges")
	p.await("document.querySelector('dialog img')?.naturalWidth > 0")
	p.choose("dialog select", "web")
	p.press("Uptime")
	check("badges")
	p.open("/pages/public")
	p.await("document.querySelector('#f-title')?.value === 'Example'")
	p.fill("#f-announcements-0--title", "\b")
	p.press("Save page")
	p.await("document.querySelector('#f-announcements-0--title').getAttribute('aria-invalid') === 'true'")
	check("page editor with an error")
	p.run("window.confirm = () => true")
	p.press("Cancel")
	p.see("h1", "1 status page")

	opened, err := time.Parse(time.RFC3339Nano, s.do(t, http.MethodGet, "/incidents/check-00-1", nil)["opened_at"].(string))
	require.NoError(t, err)
	then := "?at=" + opened.Add(2*time.Second).UTC().Format(time.RFC3339Nano) // it is decided a moment after
	for _, place := range []struct{ path, selector, text string }{
		{"/", "h1", "down"}, {"/services", ".service", "check-01"}, {"/incidents", "h1", "incident"}, {"/checks/check-00", ".title", "check-00"},
	} {
		p.open(place.path + then)
		p.see(".past-bar", "Viewing")
		p.see(place.selector, place.text)
		check("past of " + place.path)
	}
	p.open("/pages")
	p.see("h1", "1 status page")
	p.open("/")
	p.size(390, 844)
	p.see("h1", "3 checks down")
	check("board, narrow")
	for _, path := range []string{"/", "/services", "/pages", "/pages/public", "/settings", "/checks/check-00", "/incidents/check-00-1"} {
		p.open(path)
		p.await("document.querySelector('main h1')?.innerText && !/^Reading/.test(document.querySelector('main h1').innerText)")
		require.False(t, value[bool](p, "document.documentElement.scrollWidth > innerWidth"), "nothing of %s is cut off at 390 px", path)
	}
	p.press("More")
	p.see("dialog", "Settings")
	check("more, narrow")
}
