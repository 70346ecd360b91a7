package statuspage_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/statuspage"
)

func now() time.Time { return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC) }

func days(sets ...[3]int) []statuspage.Day {
	all := make([]statuspage.Day, statuspage.BarDays)
	for i := range all {
		all[i].At = now().Truncate(24*time.Hour).AddDate(0, 0, i+1-len(all))
	}
	for i, s := range sets {
		day := &all[len(all)-len(sets)+i]
		day.Up, day.Down, day.Expected = s[0], s[1], s[2]
	}
	return all
}

func page(statuses ...monitor.Status) statuspage.Page {
	p := statuspage.Page{ID: "public", Title: "Example", At: now()}
	for _, s := range statuses {
		p.Services = append(p.Services, statuspage.Service{ID: "web", Name: "Web", Status: s, Days: days()})
	}
	return p
}

func TestHeadline(t *testing.T) {
	for headline, statuses := range map[string][]monitor.Status{
		"All services are up":                        {monitor.StatusUp, monitor.StatusUp, monitor.StatusPaused},
		"1 service is down":                          {monitor.StatusUp, monitor.StatusDown},
		"2 services are down, 1 service is degraded": {monitor.StatusDown, monitor.StatusDegraded, monitor.StatusDown},
		"1 service is under maintenance":             {monitor.StatusMaintenance},
		"1 service cannot be seen":                   {monitor.StatusUnknown, monitor.StatusUp},
	} {
		require.Equal(t, headline, page(statuses...).Headline())
	}
	require.Equal(t, monitor.StatusDown, page(monitor.StatusDegraded, monitor.StatusDown, monitor.StatusUnknown).Status())
	require.Equal(t, monitor.StatusUp, page().Status())
}

func TestUptimeIsNeverRoundedUp(t *testing.T) {
	s := statuspage.Service{Days: days([3]int{99_999, 1, 100_000})}
	text, status := s.Last(90)
	require.Equal(t, "99.99 %", text)
	require.Equal(t, monitor.StatusUp, status)
	s.Days = days([3]int{10, 0, 10}, [3]int{0, 0, 10}, [3]int{9, 1, 10})
	text, status = s.Last(90)
	require.Equal(t, "95 %", text)
	require.Equal(t, monitor.StatusDegraded, status)
	text, status = s.Last(1)
	require.Equal(t, "90 %", text)
	require.Equal(t, monitor.StatusDown, status)
	s.Days = days()
	text, status = s.Last(7)
	require.Equal(t, "no data", text)
	require.Equal(t, monitor.StatusUnknown, status)
}

func TestPageWithoutScript(t *testing.T) {
	templates, err := statuspage.NewTemplates("/status/style.css")
	require.NoError(t, err)
	p := page(monitor.StatusUp)
	p.Services[0].Days = days([3]int{10, 0, 10}, [3]int{99, 1, 100}, [3]int{1, 1, 2})
	p.Incidents = []statuspage.Incident{{ID: "1", Service: "Web", OpenedAt: now().Add(-26 * time.Hour), ResolvedAt: now().Add(-time.Hour), Cause: "<b>"}}
	html, err := templates.HTML(p)
	require.NoError(t, err)
	text := string(html)
	for _, shown := range []string{
		`<rect class="up" x="522"`, `<rect class="degraded" x="528"`, `<rect class="down" x="534"`, "14 March 2026: up 50 %",
		"98.21 % up", "over after 1 d 1 h", "&lt;b&gt;", `<html lang="en">`,
	} {
		require.Contains(t, text, shown)
	}
	require.Equal(t, statuspage.BarDays, strings.Count(text, "<rect"))
	for _, never := range []string{"<script", "style=", "http://", "https://"} {
		require.NotContains(t, text, never)
	}
	_, err = templates.Starting()
	require.NoError(t, err)
	index, err := templates.Index([]statuspage.Page{p})
	require.NoError(t, err)
	require.Contains(t, string(index), `href="/status/public"`)
}

func TestFeeds(t *testing.T) {
	p := page(monitor.StatusUp)
	p.Incidents = []statuspage.Incident{{ID: "1", Service: "Web & more", OpenedAt: now().Add(-time.Hour)}}
	p.Announcements = []statuspage.Announcement{{Title: "Maintenance", Text: "<at night>", At: now()}}
	atom, err := p.Atom("https://status.example.org")
	require.NoError(t, err)
	var feed struct {
		Updated string `xml:"updated"`
		Entries []struct {
			ID    string `xml:"id"`
			Title string `xml:"title"`
		} `xml:"entry"`
	}
	require.NoError(t, xml.Unmarshal([]byte(atom), &feed))
	require.Len(t, feed.Entries, 2)
	require.Equal(t, "Maintenance", feed.Entries[0].Title, "the newest first")
	require.Equal(t, "Web & more is down", feed.Entries[1].Title)
	require.Contains(t, feed.Entries[1].ID, "https://status.example.org/status/public#incident-1")
	require.Equal(t, "2026-03-14T09:26:53Z", feed.Updated, "it does not move while nothing happens")
	rss, err := p.RSS("https://status.example.org")
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal([]byte(rss), new(any)))
}

func FuzzBadge(f *testing.F) {
	f.Add("uptime", "99.98 %")
	f.Add("<&\"'", "\x00\xff")
	f.Fuzz(func(t *testing.T, label, value string) {
		svg := statuspage.Badge{Label: label, Value: value, Status: monitor.StatusUp}.SVG()
		require.NoError(t, xml.Unmarshal(svg, new(any)), string(svg))
	})
}
