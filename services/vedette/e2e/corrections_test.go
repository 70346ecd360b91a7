package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// testCorrections corrects the last outage on its check's page, and takes that back.
func testCorrections(t *testing.T, w world) {
	site := newSite(t)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.check(t, "home", "web", site.base+"/home", map[string]any{"failure_threshold": 1})
	p.open("/checks/home")
	p.see(".title", "Up")
	site.set("home", http.StatusServiceUnavailable, nil)
	p.see(".title", "Down")
	site.set("home", http.StatusOK, nil)
	p.see(".title", "Up")
	p.see("section[aria-labelledby=corrections]", "Nothing is corrected")

	p.press("Correct a span")
	p.see("dialog", "Uptime counts by it from now on")
	p.press("Correct it")
	p.see("dialog", "is required") // a reason
	p.fill("dialog #f-reason", "The network of the probe was away.")
	p.press("Correct it")
	p.see("section[aria-labelledby=corrections]", "The network of the probe was away.")
	p.see(".stats", "as found")
	p.see("section[aria-labelledby=results]", "false positive")
	p.see(".legend", "Corrected")
	p.see("section[aria-labelledby=history]", "Corrected: false positive")
	require.Len(t, s.do(t, http.MethodGet, "/incidents/home-1", nil)["corrected_by"], 1)
	p.open("/incidents")
	p.see(".incidents", "corrected")

	p.open("/services")
	p.press("Corrections")
	p.see("section[aria-labelledby=corrections]", "The network of the probe was away.")

	p.open("/checks/home")
	p.press("Withdraw")
	p.fill("dialog #f-reason", "It was really down.")
	p.press("Withdraw it")
	p.see("section[aria-labelledby=corrections]", "It was really down.")
	p.gone(".stats", "as found")
	p.gone("section[aria-labelledby=results]", "false positive")
}
