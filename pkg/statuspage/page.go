package statuspage

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Page is what one status page shows.
type Page struct {
	ID, Title, Description string
	// At is the time that it is about.
	At       time.Time
	Services []Service
	// Announcements are those to be told, those to come included; the latest first.
	Announcements []Announcement
	// Incidents are those of the last HistoryDays, newest first.
	Incidents []Incident
}

// HistoryDays is how far the incidents of a page go back, BarDays how many days its bars have.
const (
	HistoryDays = 14
	BarDays     = 90
)

// Service is one service of a page.
type Service struct {
	ID, Name, Description string
	Status                monitor.Status
	Since                 time.Time
	// Days are the last BarDays, oldest first.
	Days []Day
	// Latency of the slowest of its checks at its last execution, in milliseconds; 0 for not known.
	Latency float64
}

// Day is what became of the executions of one UTC day.
type Day struct {
	At time.Time
	// Up counts those that found the service up or degraded, Down those that did not; Expected are all
	// that were due.
	Up, Down, Expected int
	// Corrected says that some count otherwise than they were found, Left how many count for nothing.
	Corrected bool
	Left      int
}

// Announcement is a word to the readers.
type Announcement struct {
	Title, Text string
	At, Until   time.Time
}

// Incident is a time for which a check of a service was down.
type Incident struct {
	ID, Service string
	OpenedAt    time.Time
	// ResolvedAt is zero while it is open.
	ResolvedAt time.Time
	// Cause is empty where it is not to be told.
	Cause string
}

//go:embed page.html starting.html index.html style.css
var files embed.FS

// Style returns the style sheet of every page.
func Style() ([]byte, error) { return files.ReadFile("style.css") }

// Templates are the pages, parsed. They are safe for concurrent use.
type Templates struct{ all *template.Template }

// NewTemplates parses them; style is the address of the style sheet.
func NewTemplates(style string) (*Templates, error) {
	all, err := template.New("").Funcs(template.FuncMap{
		"style": func() string { return style }, "word": word, "span": span, "stamp": stamp, "date": date, "percent": percent,
		"coverage": coverage, "bar": bar, "paragraphs": paragraphs,
	}).ParseFS(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("status page: %w", err)
	}
	return &Templates{all}, nil
}

// HTML writes a page.
func (t *Templates) HTML(p Page) ([]byte, error) { return t.write("page.html", p) }

// Starting writes what is shown while nothing is known yet.
func (t *Templates) Starting() ([]byte, error) { return t.write("starting.html", nil) }

// Index writes the list of all pages, of which only id and title are used.
func (t *Templates) Index(pages []Page) ([]byte, error) { return t.write("index.html", pages) }

func (t *Templates) write(name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := t.all.ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("status page: %w", err)
	}
	return out.Bytes(), nil
}

// Status is the worst of the services', by which the page is coloured.
func (p Page) Status() monitor.Status {
	worst := monitor.StatusUp
	for _, s := range p.Services {
		if severity(s.Status) > severity(worst) {
			worst = s.Status
		}
	}
	return worst
}

func severity(s monitor.Status) int {
	return slices.Index([]monitor.Status{
		monitor.StatusUp, monitor.StatusPaused, monitor.StatusMaintenance, monitor.StatusUnknown, monitor.StatusDegraded, monitor.StatusDown,
	}, s)
}

// Headline says how all is in one sentence.
func (p Page) Headline() string {
	counts := make(map[monitor.Status]int)
	for _, s := range p.Services {
		counts[s.Status]++
	}
	count := func(status monitor.Status, one, many string) string {
		if n := counts[status]; n == 1 {
			return "1 service " + one
		} else if n > 1 {
			return fmt.Sprintf("%d services %s", n, many)
		}
		return ""
	}
	var parts []string
	for _, text := range []string{
		count(monitor.StatusDown, "is down", "are down"), count(monitor.StatusDegraded, "is degraded", "are degraded"),
		count(monitor.StatusMaintenance, "is under maintenance", "are under maintenance"),
		count(monitor.StatusUnknown, "cannot be seen", "cannot be seen"),
	} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return "All services are up"
	}
	return strings.Join(parts, ", ")
}

// Current returns the announcements that are not over: those about now, and those to come.
func (p Page) Current() []Announcement {
	return slices.DeleteFunc(slices.Clone(p.Announcements), func(a Announcement) bool { return a.over(p.At) })
}

func (a Announcement) over(now time.Time) bool { return !a.Until.IsZero() && !a.Until.After(now) }

// Coming reports whether an announcement is about a time to come.
func (a Announcement) Coming(now time.Time) bool { return a.At.After(now) }

// Open reports whether an incident goes on.
func (i Incident) Open() bool { return i.ResolvedAt.IsZero() }

// Uptime is the share of the executions of all days with a finding that found the service up or
// degraded; not known without any.
func (s Service) Uptime() (ratio float64, known bool) {
	up, down := 0, 0
	for _, d := range s.Days {
		up, down = up+d.Up, down+d.Down
	}
	if up+down == 0 {
		return 0, false
	}
	return float64(up) / float64(up+down), true
}

// Last is the uptime of the last days, 1 to BarDays, in words, and the status by which it is coloured.
func (s Service) Last(days int) (string, monitor.Status) {
	recent := Service{Days: s.Days[max(0, len(s.Days)-days):]}
	ratio, known := recent.Uptime()
	switch {
	case !known:
		return "no data", monitor.StatusUnknown
	case ratio >= 0.999:
		return percentOf(ratio), monitor.StatusUp
	case ratio >= 0.95:
		return percentOf(ratio), monitor.StatusDegraded
	}
	return percentOf(ratio), monitor.StatusDown
}

func coverage(s Service) string {
	found, expected := 0, 0
	for _, d := range s.Days {
		found, expected = found+d.Up+d.Down+d.Left, expected+d.Expected
	}
	if expected == 0 {
		return ""
	}
	return percentOf(float64(found)/float64(expected)) + " of the checks were made"
}

func percent(s Service) string {
	ratio, known := s.Uptime()
	if !known {
		return "no data"
	}
	return percentOf(ratio) + " up"
}

// percentOf rounds down, so that nothing short of all is shown as 100 %.
func percentOf(ratio float64) string {
	text := fmt.Sprintf("%.2f", math.Floor(ratio*10000+1e-9)/100)
	return strings.TrimSuffix(text, ".00") + " %"
}

// tone is the class of a day's bar.
func (d Day) tone() string {
	switch share := float64(d.Down) / float64(max(1, d.Up+d.Down)); {
	case d.Up+d.Down == 0:
		return "none"
	case d.Down == 0:
		return "up"
	case share < 0.05:
		return "degraded"
	default:
		return "down"
	}
}

func (d Day) text() string {
	if d.Up+d.Down+d.Left == 0 {
		return date(d.At) + ": no data"
	}
	if d.Up+d.Down == 0 {
		return date(d.At) + ": maintenance"
	}
	text := date(d.At) + ": up " + percentOf(float64(d.Up)/float64(d.Up+d.Down))
	if d.Corrected {
		text += ", corrected"
	}
	return text
}

// rect is one bar of a drawing.
type rect struct {
	X           int
	Class, Text string
}

// barStep is the width of a bar and the gap after it, in units of the drawing.
const barStep = 6

// bar returns the bars of a service's days.
func bar(s Service) []rect {
	rects := make([]rect, len(s.Days))
	for i, d := range s.Days {
		rects[i] = rect{X: i * barStep, Class: d.tone(), Text: d.text()}
	}
	return rects
}

func word(s monitor.Status) string {
	if s == monitor.StatusMaintenance {
		return "under maintenance"
	}
	return string(s)
}

func stamp(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

func date(t time.Time) string { return t.UTC().Format("2 January 2006") }

// span is how long something took, in the two largest units.
func span(from, to time.Time) string {
	d := to.Sub(from).Round(time.Second)
	switch days, hours := int(d/(24*time.Hour)), int(d/time.Hour)%24; {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", hours, int(d/time.Minute)%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", int(d/time.Minute), int(d/time.Second)%60)
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}

func paragraphs(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}
