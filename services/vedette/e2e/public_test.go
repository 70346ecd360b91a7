package e2e_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// testStatusPage reads a public page in a browser that runs no scripts.
func testStatusPage(t *testing.T, w world) {
	site := newSite(t)
	site.set("home", http.StatusServiceUnavailable, nil)
	s, p := w.start(t)
	s.service(t, "web", "Website")
	s.service(t, "inner", "Behind the curtain")
	s.check(t, "home", "web", site.base+"/home", map[string]any{"failure_threshold": 1})
	s.check(t, "about", "web", site.base+"/about", nil)
	s.check(t, "unseen", "inner", site.base+"/unseen", nil)
	s.do(t, http.MethodPost, "/pages", map[string]any{
		"id": "public", "title": "Example", "services": []string{"web"},
		"announcements": []any{map[string]any{"title": "Maintenance on Saturday", "text": "For an hour.", "at": time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)}},
	})
	p.scripts(false)
	require.Eventually(t, func() bool {
		p.open("/status/public")
		return value[bool](p, "document.querySelector('.banner')?.innerText.includes('1 service is down') && !!document.querySelector('rect.down, rect.degraded')")
	}, time.Minute, time.Second)
	p.see("main", "Maintenance on Saturday")
	p.see("main", "down for")
	require.False(t, value[bool](p, "document.documentElement.innerHTML.includes('Behind the curtain')"))
	require.True(t, value[bool](p, "getComputedStyle(document.querySelector('.card')).borderRadius !== '0px'"), "the style is there")

	// The rules are a script themselves.
	p.scripts(true)
	p.open("/status/public")
	source := axe(t)
	for _, theme := range []string{"light", "dark"} {
		p.theme(theme)
		for _, width := range []int64{1280, 390} {
			p.size(width, 844)
			p.inject(source)
			p.run("window.audited = undefined, " + audit)
			p.await("window.audited")
			require.Empty(t, value[[]violation](p, "window.audited"), "%s, %d", theme, width)
			require.False(t, value[bool](p, "document.documentElement.scrollWidth > innerWidth"), "nothing is cut off")
		}
	}
}

// scripts lets pages run scripts, or not.
func (p *page) scripts(allowed bool) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed})
		return err
	}))
}
