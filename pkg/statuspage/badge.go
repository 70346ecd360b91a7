package statuspage

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Badge is a small picture of one fact: what it is about on the left, the fact on the right.
type Badge struct {
	Label, Value string
	// Status gives the colour.
	Status monitor.Status
}

// fill are the colours of badges, each dark enough for white text (contrast 4.5:1 and more).
func fill(s monitor.Status) string {
	switch s {
	case monitor.StatusUp:
		return "#117a4d"
	case monitor.StatusDegraded:
		return "#8f5b00"
	case monitor.StatusDown:
		return "#bb2029"
	case monitor.StatusMaintenance:
		return "#2456b8"
	case monitor.StatusUnknown, monitor.StatusPaused:
	}
	return "#5d6470"
}

// MaxBadgeText is the most characters of a badge's label.
const MaxBadgeText = 60

// badgeHeight and padding are in pixels.
const (
	badgeHeight = 20
	padding     = 6
)

// SVG draws the badge.
func (b Badge) SVG() []byte {
	left, right := textWidth(b.Label)+2*padding, textWidth(b.Value)+2*padding
	if b.Label == "" {
		left = 0
	}
	label, value := escaped(b.Label), escaped(b.Value)
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img" aria-label="%s: %s"><title>%s: %s</title>`,
		left+right, badgeHeight, label, value, label, value)
	fmt.Fprintf(&out, `<clipPath id="r"><rect width="%d" height="%d" rx="3"/></clipPath><g clip-path="url(#r)"><rect width="%d" height="%d" fill="#3c424d"/><rect x="%d" width="%d" height="%d" fill="%s"/></g>`,
		left+right, badgeHeight, left, badgeHeight, left, right, badgeHeight, fill(b.Status))
	out.WriteString(`<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">`)
	if left > 0 {
		fmt.Fprintf(&out, `<text x="%d" y="14" textLength="%d">%s</text>`, left/2, left-2*padding, label)
	}
	fmt.Fprintf(&out, `<text x="%d" y="14" textLength="%d">%s</text></g></svg>`, left+right/2, right-2*padding, value)
	return out.Bytes()
}

// Icon draws the mark of a status alone.
func Icon(s monitor.Status) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="%s"/></svg>`, fill(s))
}

// textWidth estimates the width of a text of 11 px in Verdana; textLength makes fonts fit it.
func textWidth(text string) int {
	const narrow, wide, usual = 4.2, 9.8, 6.9
	width := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune(" .,:;'!|ijlI()[]-", r):
			width += narrow
		case strings.ContainsRune("mwMW%@", r) || r > 0x2000:
			width += wide
		default:
			width += usual
		}
	}
	return int(width + 0.5)
}

func escaped(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a buffer takes everything
	return out.String()
}
