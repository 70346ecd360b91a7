package monitor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func page(services ...string) PageDefinition {
	return PageDefinition{ID: "public", Services: services}
}

// obey decides a command and folds what it leads to.
func obey(t *testing.T, b *Board, c Command) error {
	t.Helper()
	now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	decision, err := b.Decide(CommandMessage{Command: c, Meta: Meta{Time: now}}, now)
	for _, e := range decision.Events {
		b.Evolve(EventMessage{Event: e, Meta: Meta{Sequence: b.Sequence() + 1, Time: now}})
	}
	return err
}

func TestPages(t *testing.T) {
	b := NewBoard()
	require.NoError(t, obey(t, b, RegisterService{Definition: ServiceDefinition{ID: "web"}}))
	require.ErrorContains(t, obey(t, b, RegisterPage{Definition: page("web", "shop")}), `"shop" does not exist`)
	require.NoError(t, obey(t, b, RegisterPage{Definition: page("web")}))
	require.ErrorIs(t, obey(t, b, RegisterPage{Definition: page("web")}), ErrExists)
	p, ok := b.Page("public")
	require.True(t, ok)
	require.Equal(t, "public", p.Title, "the id stands for the title")
	require.EqualValues(t, 1, p.Revision)

	change := p.PageDefinition
	change.Title = "Example"
	require.ErrorIs(t, obey(t, b, UpdatePage{Definition: change, ExpectedRevision: 7}), ErrRevision)
	require.NoError(t, obey(t, b, UpdatePage{Definition: change, ExpectedRevision: 1}))
	require.NoError(t, obey(t, b, UpdatePage{Definition: change}))
	p, _ = b.Page("public")
	require.EqualValues(t, 2, p.Revision, "what changes nothing is no revision")

	// A service may go although a page names it, and the page can still be changed.
	require.NoError(t, obey(t, b, DeleteService{ServiceID: "web"}))
	change.Title = "Still"
	require.NoError(t, obey(t, b, UpdatePage{Definition: change}))

	raw, err := json.Marshal(b)
	require.NoError(t, err)
	again := NewBoard()
	require.NoError(t, json.Unmarshal(raw, again))
	require.Equal(t, b, again)
	require.Equal(t, b, b.Clone())

	b.Stage(EventMessage{Event: PageDeleted{PageID: "public"}})
	_, ok = b.Page("public")
	require.False(t, ok)
	b.Undo()
	require.NoError(t, obey(t, b, DeletePage{PageID: "public"}))
	require.ErrorIs(t, obey(t, b, DeletePage{PageID: "public"}), ErrNotFound)
	require.EqualValues(t, 4, b.Revision("page", "public"))
	require.Positive(t, b.LastSequence("page", "public"))
}

// A snapshot written before there were pages is read.
func TestBoardWithoutPages(t *testing.T) {
	b := NewBoard()
	require.NoError(t, json.Unmarshal([]byte(`{"sequence":3,"checks":{},"services":{},"incidents":{},"runners":{}}`), b))
	require.NoError(t, obey(t, b, RegisterService{Definition: ServiceDefinition{ID: "web"}}))
	require.NoError(t, obey(t, b, RegisterPage{Definition: page("web")}))
}

func TestValidatePage(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	for field, d := range map[string]PageDefinition{
		"id":                     {ID: "A", Services: []string{"web"}},
		"services":               {ID: "a"},
		"services[1]":            page("web", "web"),
		"services[0]":            page("No"),
		"announcements":          {ID: "a", Services: []string{"web"}, Announcements: make([]Announcement, MaxAnnouncements+1)},
		"announcements[0].title": {ID: "a", Services: []string{"web"}, Announcements: []Announcement{{At: at}}},
		"announcements[0].at":    {ID: "a", Services: []string{"web"}, Announcements: []Announcement{{Title: "x"}}},
		"announcements[0].until": {ID: "a", Services: []string{"web"}, Announcements: []Announcement{{Title: "x", At: at, Until: at}}},
	} {
		problems := d.WithDefaults().Validate()
		require.Len(t, problems, 1, field)
		assert.Equal(t, field, problems[0].Field)
	}
}
