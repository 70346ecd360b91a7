package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A sight is a page as the pictures show it, and what tells that it is whole.
type sight struct {
	name, path, selector, text string
	// prepare does what a reader would do before looking.
	prepare func(p *page)
}

// sights are of a demo: of an incident that is over, its check, and the time at which it was opened.
func sights(incident, check, then string) []sight {
	return []sight{
		{name: "dashboard", path: "/", selector: "h1", text: "down"},
		{name: "groups", path: "/?group=service&density=compact", selector: ".group-row", text: "Partners"},
		{name: "past", path: "/?at=" + then, selector: ".past-bar", text: "Viewing", prepare: func(p *page) {
			p.await("document.querySelector('.beat path')")
		}},
		{name: "check", path: "/checks/" + check, selector: "section[aria-labelledby=history]", text: "Failures before down", prepare: func(p *page) {
			p.await("document.querySelector('.plot canvas')")
		}},
		{name: "events", path: "/events?type=incident.opened", selector: ".log", text: "incident.opened", prepare: func(p *page) {
			p.press("incident.opened")
			p.see(".chain", "Cause")
		}},
		{name: "incident", path: "/incidents/" + incident, selector: ".tl", text: "Incident resolved"},
		{name: "incidents", path: "/incidents", selector: "h1", text: "open incident"},
		{name: "services", path: "/services", selector: "h1", text: "down"},
		{name: "runners", path: "/runners", selector: ".table", text: "default"},
		{name: "status-page", path: "/status/demo", selector: ".banner", text: "down"},
		{name: "pages", path: "/pages", selector: ".table", text: "Example"},
		{name: "page-editor", path: "/pages/demo", selector: ".ordered", text: "Web site"},
		{name: "badges", path: "/pages/demo", selector: ".ordered", text: "Web site", prepare: func(p *page) {
			p.press("Badges")
			p.await("document.querySelector('dialog img')?.naturalWidth > 0")
		}},
		{name: "settings", path: "/settings", selector: "section[aria-labelledby=models]", text: "checks"},
		{name: "form", path: "/checks/steady-basket/edit", selector: "h1", text: "Edit Basket", prepare: func(p *page) {
			p.await("document.querySelector('#f-name')?.value === 'Basket'")
			p.press("Add assertion")
			p.keys("json.queue = 0")
			p.press("Test now")
			p.see(".msg", "did you mean")
		}},
	}
}

type screen struct {
	name          string
	width, height int64
}

func screens() []screen { return []screen{{"", 1280, 800}, {"-mobile", 390, 844}} }

// testScreenshots writes the pictures of the documentation: `vedette demo`, as anybody may start it.
func testScreenshots(t *testing.T, w world) {
	if os.Getenv("VEDETTE_SCREENSHOTS") == "" {
		t.Skip("set VEDETTE_SCREENSHOTS=1 to write docs/screenshots anew; it takes a minute")
	}
	folder := filepath.Join("..", "..", "..", "docs", "screenshots")
	require.NoError(t, os.MkdirAll(folder, 0o755)) //nolint:gosec // pictures are for everybody
	take := func(p *page, name string) {
		t.Helper()
		p.await("document.fonts.status === 'loaded' && !document.querySelector('.toast')")
		p.shot(filepath.Join(folder, name+".png"))
	}
	_, empty := w.start(t)
	for _, theme := range []string{"light", "dark"} {
		empty.theme(theme)
		for _, screen := range screens() {
			empty.size(screen.width, screen.height)
			empty.open("/")
			empty.see("h1", "Nothing on watch yet")
			take(empty, "first-run"+screen.name+"-"+theme)
		}
	}
	s := serveDemo(t, w.program)
	p := openPage(t, w.browser, s.base)
	show := func(one sight, name string) {
		t.Helper()
		p.run("window.onbeforeunload = null, window.confirm = () => true")
		p.open(one.path)
		p.see(one.selector, one.text)
		if one.prepare != nil {
			one.prepare(p)
		}
		take(p, name)
		if one.name == "form" { // what was written is not kept
			p.run("window.confirm = () => true")
			p.press("Cancel")
			p.see("h1", "Basket")
		}
	}
	over := lastOver(t, s)
	check := over["check_id"].(string)
	s.do(t, http.MethodPatch, "/checks/"+check, map[string]any{"failure_threshold": 3})
	all := sights(over["id"].(string), check, over["opened_at"].(string))
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		for _, screen := range screens() {
			p.size(screen.width, screen.height)
			for _, one := range all {
				show(one, one.name+screen.name+"-"+theme)
			}
		}
	}
}

// lastOver returns the newest incident that is over of a check that flaps.
func lastOver(t *testing.T, s *server) map[string]any {
	t.Helper()
	for _, one := range s.do(t, http.MethodGet, "/incidents?open=false&limit=100", nil)["items"].([]any) {
		if incident := one.(map[string]any); strings.HasPrefix(incident["check_id"].(string), "flapping-") {
			return incident
		}
	}
	t.Fatal("none was over in the hour before")
	return nil
}
