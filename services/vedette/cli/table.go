package cli

import (
	"io"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/vedette/vedette/pkg/monitor"
)

// style is how a terminal shows a text: the parameters of SGR (ECMA-48).
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
)

// span is a text in one style.
type span struct {
	text  string
	style style
}

// cell is what stands in one place of a table.
type cell []span

func text(s string) cell { return cell{{clean(s), plain}} }

func styled(s string, in style) cell { return cell{{clean(s), in}} }

// clean takes out what could move the cursor or change the colours: texts come from targets too.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// width counts columns of a terminal, East Asian wide characters as two.
func width(s string) int { return (&runewidth.Condition{StrictEmojiNeutral: true}).StringWidth(s) }

func (c cell) width() int {
	sum := 0
	for _, s := range c {
		sum += width(s.text)
	}
	return sum
}

func (c cell) write(b *strings.Builder, colour bool) {
	for _, s := range c {
		if colour && s.style != plain && s.text != "" {
			b.WriteString("\x1b[" + string(s.style) + "m" + s.text + "\x1b[0m")
		} else {
			b.WriteString(s.text)
		}
	}
}

// table lines up cells in columns.
type table struct {
	titles []string
	// right are the columns aligned to the right.
	right map[int]bool
	rows  [][]cell
}

// newTable takes the titles; one that begins with > is of a column aligned to the right.
func newTable(titles ...string) *table {
	t := &table{right: map[int]bool{}}
	for i, title := range titles {
		name, isRight := strings.CutPrefix(title, ">")
		t.right[i] = isRight
		t.titles = append(t.titles, name)
	}
	return t
}

func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

// write writes the table, columns two spaces apart and without spaces at the ends of lines.
func (t *table) write(w io.Writer, colour bool) error {
	widths := make([]int, len(t.titles))
	heads := make([]cell, len(t.titles))
	for i, title := range t.titles {
		heads[i] = styled(title, dim)
	}
	lines := append([][]cell{heads}, t.rows...)
	for _, line := range lines {
		for i, c := range line {
			widths[i] = max(widths[i], c.width())
		}
	}
	var out strings.Builder
	for _, line := range lines {
		t.line(&out, line, widths, colour)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (t *table) line(out *strings.Builder, line []cell, widths []int, colour bool) {
	const gap = "  "
	last := len(line) - 1
	for last > 0 && line[last].width() == 0 {
		last--
	}
	for i, c := range line[:last+1] {
		if i > 0 {
			out.WriteString(gap)
		}
		fill := strings.Repeat(" ", widths[i]-c.width())
		if t.right[i] {
			out.WriteString(fill)
		}
		c.write(out, colour)
		if !t.right[i] && i < last {
			out.WriteString(fill)
		}
	}
	out.WriteByte('\n')
}

// facts lines up names and values.
type facts struct{ rows [][2]cell }

func (f *facts) add(name string, value cell) {
	if value.width() > 0 {
		f.rows = append(f.rows, [2]cell{styled(name, dim), value})
	}
}

func (f *facts) write(w io.Writer, colour bool) error {
	names := 0
	for _, r := range f.rows {
		names = max(names, r[0].width())
	}
	var out strings.Builder
	for _, r := range f.rows {
		r[0].write(&out, colour)
		out.WriteString(strings.Repeat(" ", names-r[0].width()+2))
		r[1].write(&out, colour)
		out.WriteByte('\n')
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func statusStyle(s monitor.Status) style {
	switch s {
	case monitor.StatusUp:
		return green
	case monitor.StatusDegraded:
		return yellow
	case monitor.StatusDown:
		return red
	case monitor.StatusMaintenance:
		return blue
	case monitor.StatusUnknown, monitor.StatusPaused:
		return dim
	}
	return plain
}

func statusCell(s monitor.Status) cell { return styled(string(s), statusStyle(s)) }

func outcomeStyle(o monitor.Outcome) style {
	switch o {
	case monitor.OutcomeSuccess:
		return green
	case monitor.OutcomeDegraded:
		return yellow
	case monitor.OutcomeFailure:
		return red
	case monitor.OutcomeError:
		return dim
	}
	return plain
}
