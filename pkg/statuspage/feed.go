package statuspage

import (
	"fmt"
	"html"
	"slices"
	"time"

	"github.com/gorilla/feeds"
)

// Atom and RSS write the feed of a page: its incidents and announcements. base is the address of the
// server, "https://status.example.org".
func (p Page) Atom(base string) (string, error) { return told(p.feed(base).ToAtom()) }

// RSS is described at Atom.
func (p Page) RSS(base string) (string, error) { return told(p.feed(base).ToRss()) }

func told(text string, err error) (string, error) {
	if err != nil {
		return "", fmt.Errorf("status page: write the feed: %w", err)
	}
	return text, nil
}

func (p Page) feed(base string) *feeds.Feed {
	address := base + "/status/" + p.ID
	f := &feeds.Feed{
		Id: address, Title: p.Title, Description: p.Description, Link: &feeds.Link{Href: address}, Author: &feeds.Author{Name: p.Title},
	}
	for _, i := range p.Incidents {
		title, updated := i.Service+" is down", i.OpenedAt
		text := "Since " + stamp(i.OpenedAt) + "."
		if !i.Open() {
			title, updated = i.Service+" was down for "+span(i.OpenedAt, i.ResolvedAt), i.ResolvedAt
			text = "From " + stamp(i.OpenedAt) + " until " + stamp(i.ResolvedAt) + "."
		}
		if i.Cause != "" {
			text += " " + i.Cause
		}
		f.Items = append(f.Items, p.entry(address, "incident-"+i.ID, title, text, i.OpenedAt, updated))
	}
	for _, a := range p.Announcements {
		f.Items = append(f.Items, p.entry(address, fmt.Sprintf("announcement-%d-%s", a.At.Unix(), a.Title), a.Title, a.Text, a.At, a.At))
	}
	slices.SortStableFunc(f.Items, func(x, y *feeds.Item) int { return y.Updated.Compare(x.Updated) })
	f.Updated = p.At
	if len(f.Items) > 0 {
		f.Updated = f.Items[0].Updated
	}
	return f
}

// entry is one of the feed's; content of a feed is HTML.
func (p Page) entry(address, id, title, text string, created, updated time.Time) *feeds.Item {
	return &feeds.Item{
		Id: address + "#" + id, IsPermaLink: "false", Title: title, Description: html.EscapeString(text),
		Link: &feeds.Link{Href: address}, Created: created.UTC(), Updated: updated.UTC(),
	}
}
