// Package e2e drives the real program, as built, with a real browser. Without a browser its tests are
// skipped, but with VEDETTE_E2E=require they fail; with VEDETTE_E2E=skip they are always skipped.
package e2e_test

import (
	"context"
	"testing"
)

// world is what the tests share: a built program and a running browser. Each test starts a server
// and opens pages of its own.
type world struct {
	program string
	browser context.Context
}

func TestInABrowser(t *testing.T) {
	browser := openBrowser(t)
	w := world{program: build(t), browser: browser}
	for _, test := range []struct {
		name string
		run  func(*testing.T, world)
	}{
		{"a first check is on watch after one address", testFirstRun},
		{"a check turns down and up before one's eyes", testDownAndUp},
		{"the form says what is wrong where it is wrong", testFormErrors},
		{"two who edit one check decide field by field", testConflict},
		{"the board is searched, filtered and walked by keys", testBoard},
		{"many checks are paused, labelled and deleted at once", testBulk},
		{"after a restart nothing stale is called live", testReconnect},
		{"the events are followed and filtered", testEvents},
		{"the board of another time is looked at, and left again", testPast},
		{"a past span is corrected, and the correction withdrawn", testCorrections},
		{"a status page is read with scripts off", testStatusPage},
		{"a status page is published, changed by two, and taken away", testPageEditor},
		{"a badge is taken home", testBadges},
		{"a view of the board is given a name and found again", testSavedViews},
		{"a read model is rebuilt while it serves, and gone back from", testRebuild},
		{"the roll-up of a service is changed where it is seen", testServices},
		{"a heartbeat check gets another address", testNewAddress},
		{"pictures for the documentation", testScreenshots},
		{"no page has a violation that axe finds, in any theme", testAccessibility},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, w) })
	}
}

// start boots a server and opens a page on it.
func (w world) start(t *testing.T) (*server, *page) {
	t.Helper()
	s := serve(t, w.program)
	return s, openPage(t, w.browser, s.base)
}
