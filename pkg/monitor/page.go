package monitor

import (
	"fmt"
	"reflect"
	"slices"
	"time"
)

// PageDefinition is what a user says of a public status page: what is named on it may be seen by
// anybody, and nothing else may.
type PageDefinition struct {
	// ID is [a-z0-9][a-z0-9_-]{0,63}: it is in the page's address.
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	// Services are shown in this order, 1 to MaxPageServices.
	Services []string `json:"services"`
	// ShowCauses shows why an incident was opened, which may tell of addresses inside.
	ShowCauses bool `json:"show_causes,omitempty"`
	// Announcements are what is told to the readers, at most MaxAnnouncements.
	Announcements []Announcement `json:"announcements,omitempty"`
}

// Announcement is a word to the readers of a page.
type Announcement struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
	// At is when it is about; Until, where set, is when it has nothing to say any more.
	At    time.Time `json:"at"`
	Until time.Time `json:"until,omitzero"`
}

// Bounds of a page.
const (
	MaxPageServices  = 100
	MaxAnnouncements = 50
)

// WithDefaults returns d with its title set.
func (d PageDefinition) WithDefaults() PageDefinition {
	if d.Title == "" {
		d.Title = d.ID
	}
	return d
}

// Validate reports everything wrong with d. Defaults are to be applied before.
func (d PageDefinition) Validate() Problems {
	var p Problems
	validateID(&p, "id", d.ID)
	validateText(&p, "title", d.Title, 1, MaxTextLength)
	validateText(&p, "description", d.Description, 0, MaxLongText)
	if n := len(d.Services); n == 0 || n > MaxPageServices {
		p.Add("services", "there are %d: name 1 to %d services", n, MaxPageServices)
	} else {
		for i, id := range d.Services {
			field := fmt.Sprintf("services[%d]", i)
			validateID(&p, field, id)
			if slices.Contains(d.Services[:i], id) {
				p.Add(field, "%q is named twice", clip(id))
			}
		}
	}
	if n := len(d.Announcements); n > MaxAnnouncements {
		p.Add("announcements", "there are %d: keep at most %d", n, MaxAnnouncements)
		return p
	}
	for i, a := range d.Announcements {
		a.validate(&p, fmt.Sprintf("announcements[%d].", i))
	}
	return p
}

func (a Announcement) validate(p *Problems, field string) {
	validateText(p, field+"title", a.Title, 1, MaxTextLength)
	validateText(p, field+"text", a.Text, 0, MaxLongText)
	switch {
	case a.At.IsZero():
		p.Add(field+"at", "is required: say when it is about, as in 2026-03-14T22:00:00Z")
	case !a.Until.IsZero() && !a.Until.After(a.At):
		p.Add(field+"until", "is not after at: leave it out, or give a later time")
	}
}

// Page is a status page as the events tell it.
type Page struct {
	PageDefinition
	Revision  uint64    `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Page returns a page that is not deleted.
func (b *Board) Page(id string) (Page, bool) {
	if p := b.pages[id]; p != nil && !p.Deleted {
		return p.Page, true
	}
	return Page{}, false
}

type pageState struct {
	Page
	Deleted bool    `json:"deleted,omitempty"`
	History history `json:"history"`
}

func (b *Board) expectPage(id string, revision uint64) (Page, error) {
	page, ok := b.Page(id)
	if !ok {
		return Page{}, fmt.Errorf("page %q %w", clip(id), ErrNotFound)
	}
	return page, expectRevision("page", id, page.Revision, revision)
}

func (b *Board) registerPage(d PageDefinition) ([]Event, error) {
	d = d.WithDefaults()
	if err := b.validatePage(d); err != nil {
		return nil, err
	}
	if _, taken := b.Page(d.ID); taken {
		return nil, fmt.Errorf("page %q %w: choose another id, or update the page", d.ID, ErrExists)
	}
	return []Event{PageRegistered{Definition: d}}, nil
}

func (b *Board) updatePage(c UpdatePage) ([]Event, error) {
	before, err := b.expectPage(c.Definition.ID, c.ExpectedRevision)
	if err != nil {
		return nil, err
	}
	d := c.Definition.WithDefaults()
	if err := b.validatePage(d, before.Services...); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(d, before.PageDefinition) {
		return nil, nil
	}
	return []Event{PageUpdated{Definition: d}}, nil
}

// validatePage wants the services to exist; one that was deleted since it was named may stay.
func (b *Board) validatePage(d PageDefinition, known ...string) error {
	p := d.Validate()
	for i, id := range d.Services {
		if _, ok := b.Service(id); !ok && ValidID(id) && !slices.Contains(known, id) {
			p.Add(fmt.Sprintf("services[%d]", i), "%q does not exist: register the service first", id)
		}
	}
	return p.Err()
}

func (b *Board) applyPage(m EventMessage, d PageDefinition, fresh bool) {
	saveState(b, "page", d.ID, b.pages)
	p := b.pages[d.ID]
	if p == nil {
		p = &pageState{}
		b.pages[d.ID] = p
	}
	p.PageDefinition = d
	p.Revision++
	p.UpdatedAt = m.Time
	if fresh {
		p.Deleted, p.CreatedAt = false, m.Time
	}
}

func (b *Board) removePage(m EventMessage, id string) {
	if p := b.pages[id]; p != nil {
		saveState(b, "page", id, b.pages)
		p.Deleted = true
		p.Revision++
		p.UpdatedAt = m.Time
	}
}
