package e2e_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// findBrowser skips the test on a machine without a browser, but where one is required, and where
// tests in a browser are not wanted.
func findBrowser(t *testing.T) string {
	t.Helper()
	if os.Getenv("VEDETTE_E2E") == "skip" {
		t.Skip("VEDETTE_E2E is skip")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("VEDETTE_E2E") == "require" {
		t.Fatal("there is no browser: install chromium")
	}
	t.Skip("there is no browser: install chromium")
	return ""
}

// openBrowser starts a browser without a window; its profile ends with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{},
		chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(findBrowser(t)), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-GB"))
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelAllocator)
	browser, cancelBrowser := chromedp.NewContext(allocator)
	t.Cleanup(cancelBrowser)
	require.NoError(t, chromedp.Do(browser), "the browser does not start")
	return browser
}

// page is a tab, and what its user does and sees.
type page struct {
	t    *testing.T
	ctx  context.Context
	tab  context.Context // ctx without its time limit
	base string

	mu     sync.Mutex
	wrongs []string
}

// openPage opens a tab. When the test ends, nothing may have gone wrong in it: no exception, nothing
// that the content policy blocked, no request to another host.
func openPage(t *testing.T, browser context.Context, base string) *page {
	t.Helper()
	p := &page{t: t, base: base}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(p.watch), chromedp.WithNewBrowserContext())
	require.NoError(t, chromedp.Do(ctx)) // the first run decides how long the tab lives
	limited, cancelLimit := context.WithTimeout(ctx, 5*time.Minute)
	p.ctx, p.tab = limited, ctx
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		return err
	}))
	p.size(1280, 800)
	t.Cleanup(func() {
		if t.Failed() {
			p.explain()
		}
		cancelLimit()
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		require.Empty(t, p.wrongs, "what went wrong in the page")
	})
	return p
}

func (p *page) watch(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.base+"/") && strings.HasPrefix(e.Request.URL, "http") {
			p.wrongs = append(p.wrongs, "request to another host: "+e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.wrongs = append(p.wrongs, "exception: "+text)
	case *log.EventEntryAdded:
		// That an answer was not a success is logged by the browser; the tests ask for some.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			p.wrongs = append(p.wrongs, "log: "+e.Entry.Text)
		}
	}
}

// explain shows what the page looked like when a test failed.
func (p *page) explain() {
	ctx, cancel := context.WithTimeout(p.tab, 5*time.Second)
	defer cancel()
	if text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText")); err == nil {
		p.t.Logf("--- page:\n%.3000s", text)
	}
	if dir := os.Getenv("VEDETTE_E2E_SHOTS"); dir != "" {
		if shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
			_ = os.WriteFile(dir+"/"+strings.ReplaceAll(p.t.Name(), "/", "-")+".png", shot, 0o600)
		}
	}
}

func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	require.NoError(p.t, chromedp.Do(p.ctx, actions...))
}

func (p *page) size(width, height int64) { p.do(chromedp.EmulateViewport(width, height)) }

// theme is "dark" or "light", as the system asks for it.
func (p *page) theme(name string) {
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	}))
}

func (p *page) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// await waits until a JavaScript expression is true.
func (p *page) await(expression string) {
	p.t.Helper()
	p.awaitFor(expression, 20*time.Second)
}

func (p *page) awaitFor(expression string, most time.Duration) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingTimeout(most), chromedp.WithPollingInterval(20*time.Millisecond)))
	require.NoError(p.t, err, "waiting for %s", expression)
}

// see waits until an element holds a text.
func (p *page) see(selector, text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("[...document.querySelectorAll(%s)].some((e) => e.innerText.includes(%s))", strconv.Quote(selector), strconv.Quote(text)))
}

// gone waits until no element holds a text.
func (p *page) gone(selector, text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("![...document.querySelectorAll(%s)].some((e) => e.innerText.includes(%s))", strconv.Quote(selector), strconv.Quote(text)))
}

// click clicks on what a selector finds.
func (p *page) click(selector string) {
	p.t.Helper()
	p.await("document.querySelector(" + strconv.Quote(selector) + ")")
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// press clicks on the button or link with a text.
func (p *page) press(text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("(window.found = [...document.querySelectorAll('dialog[open] button, dialog[open] a, button, a, summary, label')].find((e) => e.innerText.trim() === %s && e.offsetParent !== null && !e.disabled))", strconv.Quote(text)))
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := chromedp.Evaluate[chromedp.Void]("void (window.found.setAttribute('data-found', ''), window.found.scrollIntoView({block: 'center'}))")(ctx, tab)
		return err
	}))
	p.do(chromedp.Click(chromedp.CSS("[data-found]")))
	p.run("document.querySelector('[data-found]')?.removeAttribute('data-found')")
}

// fill replaces what a field holds.
func (p *page) fill(selector, text string) {
	p.t.Helper()
	p.await("document.querySelector(" + strconv.Quote(selector) + ")")
	p.run("(() => { const e = document.querySelector(" + strconv.Quote(selector) + "); e.focus(); e.select?.(); })()")
	p.keys(text)
}

// choose selects an option by its value.
func (p *page) choose(selector, value string) {
	p.t.Helper()
	p.await("document.querySelector(" + strconv.Quote(selector) + ")")
	p.run(fmt.Sprintf("(() => { const e = document.querySelector(%s); e.value = %s; e.dispatchEvent(new Event('change', {bubbles: true})); })()", strconv.Quote(selector), strconv.Quote(value)))
}

// keys types.
func (p *page) keys(text string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(text))
}

// shortcut presses keys that are commands to the page, one by one: they put no character anywhere.
func (p *page) shortcut(keys string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		for _, key := range keys {
			for _, event := range kb.Encode(key) {
				if event.Type == kb.KeyChar {
					continue
				}
				if _, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, *event); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

func (p *page) run(script string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void]("void (" + script + ")"))
}

func value[T any](p *page, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	require.NoError(p.t, err, expression)
	return v
}

// shot writes a picture of what is in sight.
func (p *page) shot(path string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(path, picture, 0o644)) //nolint:gosec // pictures are for everybody
}

// inject runs a whole script in the page.
func (p *page) inject(source string) {
	p.t.Helper()
	// Through base64, so that no character of the source needs a quote.
	p.run("(0, eval)(new TextDecoder().decode(Uint8Array.from(atob('" + base64.StdEncoding.EncodeToString([]byte(source)) + "'), (c) => c.charCodeAt(0))))")
}
