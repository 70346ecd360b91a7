package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/replay/answer"
)

// meter draws how far long work has come, where people see it.
type meter struct {
	app   *app
	drawn bool
	// begun is when the work began, told when the meter was last drawn.
	begun, told time.Time
}

// meterEvery is the least time between two drawings.
const meterEvery = 100 * time.Millisecond

func (m *meter) show(p answer.Progress) {
	if p.Total > 0 {
		m.draw(meterText(p))
	}
}

func (m *meter) draw(text string) {
	if !isTerminal(m.app.Err) {
		return
	}
	m.drawn = true
	_, _ = fmt.Fprint(m.app.Err, "\r\x1b[2K"+text)
}

// bar draws a share of a total, with the time that is left at the speed so far.
func (m *meter) bar(what string, done, total uint64) {
	now := m.app.Now()
	if total == 0 || now.Sub(m.told) < meterEvery {
		return
	}
	m.told = now
	p := answer.Progress{Reading: what, Done: done, Total: total}
	if done > 0 && done < total {
		p.LeftMS = int64(float64(now.Sub(m.begun).Milliseconds()) * float64(total-done) / float64(done))
	}
	m.show(p)
}

// clear takes the meter away.
func (m *meter) clear() {
	if m.drawn {
		_, _ = fmt.Fprint(m.app.Err, "\r\x1b[2K")
	}
}

// meterText is "results ███████░░░  70 %  3s left".
func meterText(p answer.Progress) string {
	const cells = 30
	share := min(1, float64(p.Done)/float64(max(1, p.Total)))
	full := int(share * cells)
	text := fmt.Sprintf("%s %s%s %3.0f %%", p.Reading, strings.Repeat("█", full), strings.Repeat("░", cells-full), 100*share)
	if p.LeftMS >= time.Second.Milliseconds() {
		text += fmt.Sprintf("  %s left", elapsed(time.Duration(p.LeftMS)*time.Millisecond))
	}
	return text
}

// count draws how many bytes have come, where nobody knows how many there will be.
func (m *meter) count(what string, bytes uint64) {
	now := m.app.Now()
	if now.Sub(m.told) < meterEvery || !isTerminal(m.app.Err) {
		return
	}
	m.told, m.drawn = now, true
	speed := ""
	if passed := now.Sub(m.begun).Seconds(); passed > 0 {
		speed = fmt.Sprintf("  %s/s", bytesText(int64(float64(bytes)/passed)))
	}
	_, _ = fmt.Fprintf(m.app.Err, "\r\x1b[2K%s %s%s", what, bytesText(int64(bytes)), speed)
}

// Meter draws how far long work has come that no server does.
type Meter struct{ meter meter }

// NewMeter returns a meter that draws on w, if that is a terminal.
func NewMeter(w io.Writer) *Meter {
	now := time.Now
	return &Meter{meter{app: &app{Terminal: Terminal{Err: w, Now: now}}, begun: now()}}
}

// Show draws a share of a total.
func (m *Meter) Show(what string, done, total uint64) { m.meter.bar(what, done, total) }

// Clear takes the meter away.
func (m *Meter) Clear() { m.meter.clear() }
