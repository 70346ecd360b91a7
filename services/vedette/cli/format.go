package cli

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// age tells how long ago something was, in one unit or two: "42s", "3m", "5h12m", "9d".
func age(now, then time.Time) string {
	if then.IsZero() {
		return ""
	}
	return elapsed(now.Sub(then))
}

func elapsed(d time.Duration) string {
	d = max(0, d)
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < day:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd", int(d/day))
	}
}

// milliseconds writes a latency with three significant digits: "0.83 ms", "41.7 ms", "1.25 s".
func milliseconds(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.2f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.2f ms", ms)
	}
}

// percent writes a ratio so that 100 % says that nothing at all is missing.
func percent(ratio float64) string {
	if ratio >= 1 {
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", math.Floor(ratio*1e4)/1e2)
}

func uptimeText(u readmodel.Uptime) string {
	if u.Ratio == nil {
		return "no data"
	}
	return percent(*u.Ratio)
}

// glyphs show outcomes by height, so that they differ without colour as well.
func glyphs() map[rune]span {
	return map[rune]span{
		'U': {"▇", green}, 'G': {"▅", yellow}, 'D': {"▂", red}, 'E': {"×", dim}, '-': {"·", dim},
	}
}

// bar draws the last letters of a heartbeat bar.
func bar(recent string, most int) cell {
	known := glyphs()
	var drawn cell
	for _, letter := range recent[max(0, len(recent)-most):] {
		next, ok := known[letter]
		if !ok {
			next = span{"?", dim}
		}
		if n := len(drawn); n > 0 && drawn[n-1].style == next.style {
			drawn[n-1].text += next.text
			continue
		}
		drawn = append(drawn, next)
	}
	return drawn
}

func labelsText(labels map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, key+"="+labels[key])
	}
	return strings.Join(parts, " ")
}

func schedule(d monitor.Definition) string {
	text := "every " + d.Interval.String()
	if d.Cron != "" {
		text = fmt.Sprintf("at %q %s", d.Cron, d.TimeZone)
	}
	if d.Pushed() {
		return text + ", grace " + d.Grace.String()
	}
	text += ", timeout " + d.Timeout.String()
	if d.Retries > 0 {
		text += fmt.Sprintf(", %d retries", d.Retries)
	}
	return text
}

func timings(t *monitor.Timings) string {
	if t == nil {
		return ""
	}
	var parts []string
	for _, phase := range []struct {
		name string
		ms   float64
	}{{"dns", t.DNS}, {"connect", t.Connect}, {"tls", t.TLS}, {"first byte", t.FirstByte}, {"transfer", t.Transfer}} {
		if phase.ms > 0 {
			parts = append(parts, phase.name+" "+milliseconds(phase.ms))
		}
	}
	return strings.Join(parts, ", ")
}

// clock is a time of day for today, else with the date; in the zone of whoever reads it.
func clock(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.In(now.Location())
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}

// clip shortens a text for a table on a terminal.
func clip(s string, most int) string {
	s = clean(s)
	if width(s) <= most {
		return s
	}
	kept, used := strings.Builder{}, 0
	for _, r := range s {
		w := width(string(r))
		if used+w > most-1 {
			break
		}
		kept.WriteRune(r)
		used += w
	}
	return kept.String() + "…"
}
