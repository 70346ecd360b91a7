package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// browser is a Chromium without a window, with a profile of its own that goes with it.
type browser struct {
	ctx    context.Context //nolint:containedctx // chromedp keeps the browser in it
	folder string
	end    func()
}

func openBrowser(ctx context.Context) (*browser, error) {
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, errors.New("there is no browser: install chromium")
	}
	folder, err := os.MkdirTemp("", "vedette-bench-browser-")
	if err != nil {
		return nil, err
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(folder),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-GB"))
	allocator, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	tab, cancelTab := chromedp.NewContext(allocator)
	b := &browser{ctx: tab, folder: folder, end: func() {
		cancelTab()
		cancelAllocator()
		_ = os.RemoveAll(folder)
	}}
	if err := chromedp.Do(tab); err != nil {
		b.end()
		return nil, fmt.Errorf("start the browser: %w", err)
	}
	return b, nil
}

// tab opens a page in a context of its own, without anything cached. script runs before any of the page.
func (b *browser) tab(script string) (context.Context, func(), error) {
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("open a tab: %w", err)
	}
	return ctx, cancel, nil
}

// until waits until a JavaScript expression is true.
func until(ctx context.Context, expression string, most time.Duration) error {
	_, err := chromedp.Run(ctx, chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingTimeout(most), chromedp.WithPollingInterval(50*time.Millisecond)))
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", expression, err)
	}
	return nil
}

// cpu is the processor time that the processes of the browser have used, by what they are for: all,
// and those that render pages.
func (b *browser) cpu() (all, renderers time.Duration, err error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, 0, err
	}
	for _, process := range processes {
		line, err := os.ReadFile(process + "/cmdline")
		if err != nil || !strings.Contains(string(line), b.folder) && !strings.Contains(string(line), "--type=renderer") {
			continue // it has ended, or is no browser's
		}
		stat, err := os.ReadFile(process + "/stat")
		if err != nil || !b.owns(process) {
			continue
		}
		used, err := processorTime(stat)
		if err != nil {
			return 0, 0, err
		}
		all += used
		if strings.Contains(string(line), "--type=renderer") {
			renderers += used
		}
	}
	return all, renderers, nil
}

// owns reports whether a process belongs to the browser, itself or by an ancestor.
func (b *browser) owns(process string) bool {
	for range 4 {
		line, err := os.ReadFile(process + "/cmdline")
		if err != nil {
			return false
		}
		if strings.Contains(string(line), b.folder) {
			return true
		}
		stat, err := os.ReadFile(process + "/stat")
		if err != nil {
			return false
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		process = "/proc/" + fields[1]
	}
	return false
}

// processorTime reads user and system time out of /proc/PID/stat.
func processorTime(stat []byte) (time.Duration, error) {
	// The name, in parentheses, may hold spaces; what follows it does not.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const utime, stime, ticksPerSecond = 11, 12, 100
	user, err1 := strconv.Atoi(fields[utime])
	system, err2 := strconv.Atoi(fields[stime])
	return time.Duration(user+system) * time.Second / ticksPerSecond, errors.Join(err1, err2)
}
