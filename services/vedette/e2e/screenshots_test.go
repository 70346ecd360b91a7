package e2e_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
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

// testScreenshots writes the pictures of the documentation: the real program, after two minutes.
func testScreenshots(t *testing.T, w world) {
	if os.Getenv("VEDETTE_SCREENSHOTS") == "" {
		t.Skip("set VEDETTE_SCREENSHOTS=1 to write docs/screenshots anew; it takes two minutes")
	}
	folder := filepath.Join("..", "..", "..", "docs", "screenshots")
	require.NoError(t, os.MkdirAll(folder, 0o755)) //nolint:gosec // pictures are for everybody
	site := newSite(t)
	s, p := w.start(t)
	p.do(chromedp.EmulateViewport(1280, 800, chromedp.EmulateScale(1.5)))
	take := func(name string) {
		t.Helper()
		p.await("document.fonts.status === 'loaded' && !document.querySelector('.toast')")
		p.shot(filepath.Join(folder, name+".png"))
	}
	p.theme("light")
	p.open("/")
	p.see("h1", "Nothing on watch yet")
	take("first-run")

	badDay(t, s, site)
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		p.open("/")
		p.see("h1", "2 checks down")
		take("dashboard-" + theme)
	}
	p.open("/checks/checkout-api")
	p.see("section[aria-labelledby=history]", "Failures before down")
	p.await("document.querySelector('.plot canvas')")
	p.do(chromedp.EmulateViewport(1280, 1180, chromedp.EmulateScale(1.5)))
	take("check")
	p.do(chromedp.EmulateViewport(1280, 800, chromedp.EmulateScale(1.5)))
	p.open("/events")
	p.choose("select[aria-label=Service]", "payments")
	p.press("incident.opened")
	p.see(".detail", "Together with")
	take("events")
	p.open("/incidents/mail-out-1")
	p.see(".tl", "Incident resolved")
	take("incident")
	p.theme("light")
	p.open("/incidents")
	p.see("h1", "2 open incidents")
	take("incidents")
	p.open("/services")
	p.see("h1", "1 service down")
	take("services")

	p.do(chromedp.EmulateViewport(1280, 1180, chromedp.EmulateScale(1.5)))
	p.open("/checks/cart-api/edit")
	p.await("document.querySelector('#f-name')?.value === 'Cart API'")
	p.press("Add assertion")
	p.keys("json.queue.lag = 0")
	p.press("Test now")
	p.see(".msg", "did you mean")
	p.run("scrollTo(0, 0)")
	take("form")
	p.run("window.confirm = () => true")
	p.press("Cancel")

	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)))
	p.theme("dark")
	p.open("/")
	p.see("h1", "2 checks down")
	take("dashboard-mobile")
}

// badDay lets the shop run for a while: mail fails and recovers, then checkout and ledger fail,
// and search turns slow.
func badDay(t *testing.T, s *server, site *site) {
	t.Helper()
	for id, name := range map[string]string{"web": "Website", "edge": "Edge", "payments": "Payments", "search": "Search", "messaging": "Messaging"} {
		s.service(t, id, name)
	}
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
