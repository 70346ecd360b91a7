package jetstream

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func FuzzToken(f *testing.F) {
	for _, text := range []string{"", "home", "Home", "a.b", "*", ">", "a b", "=", "=YQ", "ä", "\x00\xff", strings.Repeat("x", 200)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		made := token(text)
		require.NotEmpty(t, made)
		require.False(t, strings.ContainsAny(made, ".*>") || strings.ContainsFunc(made, unicode.IsSpace), "%q is no subject token", made)
		require.Equal(t, text, untoken(made))
		require.Equal(t, made == text, monitor.ValidID(text), "ids are as they are")
	})
}

func FuzzUntoken(f *testing.F) {
	f.Add("home")
	f.Add("=YQ")
	f.Add("=!")
	f.Fuzz(func(_ *testing.T, made string) { untoken(made) })
}

func TestSubjectsOfAnAggregateShareOnePrefix(t *testing.T) {
	all := monitor.Events()
	for _, e := range all {
		kind, id := e.Aggregate()
		assert.True(t, strings.HasPrefix(eventSubject(e), strings.TrimSuffix(placeOf(kind, id).filter(), ">")), e.Type())
		assert.Len(t, strings.Split(eventSubject(e), "."), 5, e.Type())
	}
	for _, c := range monitor.Commands() {
		assert.Len(t, strings.Split(commandSubject(c), "."), 5, c.Type())
	}
	assert.Equal(t, "vedette.event.service.web.registered", eventSubject(monitor.ServiceRegistered{Definition: monitor.ServiceDefinition{ID: "web"}}))
	assert.Equal(t, "vedette.event.service.web.>", eventFilter(bus.Filter{Aggregate: "service", ID: "web"}))
	assert.Equal(t, "vedette.event.service.>", eventFilter(bus.Filter{Aggregate: "service"}))
	assert.Equal(t, "vedette.event.>", eventFilter(bus.Filter{}))
	assert.Equal(t, "north", locationOf(ingestSubject("north")))
}
