package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// between is a delay that varies as those of real servers do.
func between(least, most int) func() time.Duration {
	return func() time.Duration {
		return time.Duration(float64(least)+float64(most-least)*rand.ExpFloat64()/4) * time.Millisecond //nolint:gosec // a picture
	}
}

// shop is what the pictures show: a shop on a bad day.
var shop = []struct {
	id, name, service, team string
	least, most             int
}{
	{"home", "Home page", "web", "web", 12, 40},
	{"login", "Login", "web", "identity", 30, 80},
	{"product-page", "Product page", "web", "web", 40, 120},
	{"docs", "Documentation", "web", "web", 8, 20},
	{"assets", "Static assets", "edge", "platform", 3, 9},
	{"edge-fra", "Edge Frankfurt", "edge", "platform", 5, 14},
	{"edge-iad", "Edge Virginia", "edge", "platform", 60, 90},
	{"edge-sin", "Edge Singapore", "edge", "platform", 110, 170},
	{"cart-api", "Cart API", "payments", "checkout", 22, 60},
	{"checkout-api", "Checkout API", "payments", "checkout", 45, 140},
	{"ledger", "Ledger", "payments", "checkout", 15, 35},
	{"invoices", "Invoices", "payments", "checkout", 25, 70},
	{"search-query", "Search", "search", "search", 60, 200},
	{"search-suggest", "Suggestions", "search", "search", 18, 44},
	{"search-index", "Index freshness", "search", "search", 20, 50},
	{"mail-out", "Outgoing mail", "messaging", "platform", 35, 90},
	{"mail-in", "Incoming mail", "messaging", "platform", 35, 90},
	{"push", "Push notifications", "messaging", "platform", 14, 40},
	{"sms", "SMS gateway", "messaging", "platform", 90, 160},
}

// A sight is a page as the pictures show it, and what tells that it is whole.
type sight struct {
	name, path, selector, text string
	// prepare does what a reader would do before looking.
	prepare func(p *page)
	// narrow is whether it is shown on a telephone too.
	narrow bool
}

func sights(then string) []sight {
	return []sight{
		{name: "dashboard", path: "/", selector: "h1", text: "2 checks down", narrow: true},
		{name: "groups", path: "/?group=service&density=compact", selector: ".group-row", text: "Payments"},
		{name: "past", path: "/?at=" + then, selector: ".past-bar", text: "Viewing", narrow: true, prepare: func(p *page) {
			p.await("document.querySelector('.beat path')")
		}},
		{name: "check", path: "/checks/checkout-api", selector: "section[aria-labelledby=history]", text: "Failures before down", narrow: true, prepare: func(p *page) {
			p.await("document.querySelector('.plot canvas')")
		}},
		{name: "events", path: "/events?service=payments&type=incident.opened", selector: ".log", text: "incident.opened", prepare: func(p *page) {
			p.press("incident.opened")
			p.see(".chain", "Cause")
		}},
		{name: "incident", path: "/incidents/mail-out-1", selector: ".tl", text: "Incident resolved", narrow: true},
		{name: "incidents", path: "/incidents", selector: "h1", text: "2 open incidents"},
		{name: "services", path: "/services", selector: "h1", text: "1 service down"},
		{name: "runners", path: "/runners", selector: ".table", text: "default"},
		{name: "status-page", path: "/status/public", selector: ".banner", text: "down", narrow: true},
		{name: "pages", path: "/pages", selector: ".table", text: "Example"},
		{name: "page-editor", path: "/pages/public", selector: ".ordered", text: "Website", narrow: true},
		{name: "badges", path: "/pages/public", selector: ".ordered", text: "Website", prepare: func(p *page) {
			p.press("Badges")
			p.await("document.querySelector('dialog img')?.naturalWidth > 0")
		}},
		{name: "settings", path: "/settings", selector: "section[aria-labelledby=models]", text: "checks"},
		{name: "form", path: "/checks/cart-api/edit", selector: "h1", text: "Edit Cart API", prepare: func(p *page) {
			p.await("document.querySelector('#f-name')?.value === 'Cart API'")
			p.press("Add assertion")
			p.keys("json.queue.lag = 0")
			p.press("Test now")
			p.see(".msg", "did you mean")
		}},
	}
}

// testScreenshots writes the pictures of the documentation: the real program, after two minutes.
func testScreenshots(t *testing.T, w world) {
	if os.Getenv("VEDETTE_SCREENSHOTS") == "" {
		t.Skip("set VEDETTE_SCREENSHOTS=1 to write docs/screenshots anew; it takes some minutes")
	}
	folder := filepath.Join("..", "..", "..", "docs", "screenshots")
	require.NoError(t, os.MkdirAll(folder, 0o755)) //nolint:gosec // pictures are for everybody
	site := newSite(t)
	s, p := w.start(t)
	take := func(name string) {
		t.Helper()
		p.await("document.fonts.status === 'loaded' && !document.querySelector('.toast')")
		p.shot(filepath.Join(folder, name+".png"))
	}
	show := func(one sight, name string) {
		t.Helper()
		p.run("window.onbeforeunload = null, window.confirm = () => true")
		p.open(one.path)
		p.see(one.selector, one.text)
		if one.prepare != nil {
			one.prepare(p)
		}
		take(name)
		if one.name == "form" { // what was written is not kept
			p.run("window.confirm = () => true")
			p.press("Cancel")
			p.see("h1", "Cart API")
		}
	}
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		p.open("/")
		p.see("h1", "Nothing on watch yet")
		take("first-run-" + theme)
	}
	badDay(t, s, site)
	opened := s.do(t, http.MethodGet, "/incidents/mail-out-1", nil)["opened_at"].(string)
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		p.size(1280, 800)
		for _, one := range sights(opened) {
			show(one, one.name+"-"+theme)
		}
		p.size(390, 844)
		for _, one := range sights(opened) {
			if one.narrow {
				show(one, one.name+"-mobile-"+theme)
			}
		}
	}
}

// badDay lets the shop run for a while: mail fails and recovers, then checkout and ledger fail,
// and search turns slow.
func badDay(t *testing.T, s *server, site *site) {
	t.Helper()
	for id, name := range map[string]string{"web": "Website", "edge": "Edge", "payments": "Payments", "search": "Search", "messaging": "Messaging"} {
		s.service(t, id, name)
	}
	s.do(t, http.MethodPost, "/pages", map[string]any{
		"id": "public", "title": "Example", "description": "What our customers use.", "services": []string{"web", "payments", "search", "messaging"},
		"announcements": []any{map[string]any{"title": "Maintenance on Saturday", "text": "The shop is closed for an hour.", "at": time.Now().Add(72 * time.Hour).UTC().Truncate(time.Hour)}},
	})
	for _, one := range shop {
		site.set(one.id+"/health", http.StatusOK, between(one.least, one.most))
		s.check(t, one.id, one.service, site.base+"/"+one.id+"/health", map[string]any{
			"name": one.name, "interval": "2s", "timeout": "1500ms", "failure_threshold": 3, "degraded_after": "400ms",
			"assertions": []string{"status == 200"}, "labels": map[string]any{"team": one.team},
		})
	}
	s.check(t, "backup", "edge", site.base+"/backup", map[string]any{"name": "Backup site", "locations": []string{"cellar"}})
	s.do(t, http.MethodPost, "/checks/docs/pause", nil)
	s.do(t, http.MethodPatch, "/checks/checkout-api", map[string]any{
		"failure_threshold": 2, "assertions": []string{"status == 200", "latency < duration('400ms')"},
	})
	after := func(results int) {
		t.Helper()
		require.Eventually(t, func() bool {
			return len(s.do(t, http.MethodGet, "/checks/home", nil)["recent"].(string)) >= results
		}, 3*time.Minute, 200*time.Millisecond)
	}
	after(18)
	site.set("mail-out/health", http.StatusBadGateway, between(35, 90))
	site.set("search-query/health", http.StatusOK, between(500, 700))
	after(25)
	site.set("search-query/health", http.StatusOK, between(60, 200))
	after(28)
	site.set("mail-out/health", http.StatusOK, between(35, 90))
	after(44)
	site.set("ledger/health", http.StatusInternalServerError, between(15, 35))
	after(47)
	site.set("checkout-api/health", http.StatusServiceUnavailable, between(45, 140))
	site.set("search-query/health", http.StatusOK, between(500, 700))
	after(54)
}
