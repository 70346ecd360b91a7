package declare_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/declare"
)

// sets draws valid sets of some services, checks and pages.
func sets(t *rapid.T, name string) declare.Set {
	var set declare.Set
	text := rapid.StringMatching(`[A-Za-z0-9ä:#'"{}\[\]>|%@!&*, -]{1,20}[a-z]`)
	labels := rapid.MapOfN(rapid.StringMatching(`[a-z]{1,5}`), rapid.StringMatching(`[a-z0-9.-]{1,8}`), 0, 3)
	var ids []string
	for i := range rapid.IntRange(0, 4).Draw(t, name+" services") {
		if !rapid.Bool().Draw(t, "declared") && i > 0 {
			continue
		}
		ids = append(ids, fmt.Sprintf("service-%d", i))
		set.Services = append(set.Services, monitor.ServiceDefinition{
			ID: ids[len(ids)-1], Name: text.Draw(t, "name"), Rollup: rapid.SampledFrom([]monitor.Rollup{"", "worst", "best", "majority"}).Draw(t, "rollup"), Labels: labels.Draw(t, "labels"),
		})
	}
	if len(ids) == 0 {
		return set
	}
	for i := range rapid.IntRange(0, 4).Draw(t, name+" checks") {
		d := monitor.Definition{
			ID: fmt.Sprintf("check-%d", i), Service: rapid.SampledFrom(ids).Draw(t, "service"), Kind: "http", Target: "https://example.org/", Labels: labels.Draw(t, "labels"),
			Interval: monitor.Duration(rapid.IntRange(20, 90).Draw(t, "interval")) * monitor.Duration(time.Second), Paused: rapid.Bool().Draw(t, "paused"),
		}
		if rapid.Bool().Draw(t, "options") {
			raw, _ := json.Marshal(map[string]any{"headers": map[string]string{"X-Test": text.Draw(t, "header")}, "max_redirects": rapid.IntRange(0, 5).Draw(t, "redirects")})
			d.Options = raw
		}
		if rapid.Bool().Draw(t, "assertions") {
			d.Assertions = []string{"status == 200", "latency < duration('800ms')"}
		}
		set.Checks = append(set.Checks, d)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, name+" pages") {
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "at"), 0).UTC()
		set.Pages = append(set.Pages, monitor.PageDefinition{
			ID: fmt.Sprintf("page-%d", i), Services: ids, Announcements: []monitor.Announcement{{Title: text.Draw(t, "title"), At: at}},
		})
	}
	return set
}

// applied is what there is after the steps.
func applied(t *rapid.T, have declare.Set, steps []declare.Step) declare.Set {
	there := map[string]map[string]map[string]any{"services": {}, "checks": {}, "pages": {}}
	raw, err := json.Marshal(have)
	require.NoError(t, err)
	var lists map[string][]map[string]any
	require.NoError(t, json.Unmarshal(raw, &lists))
	for kind, list := range lists {
		for _, one := range list {
			there[kind][one["id"].(string)] = one
		}
	}
	for _, s := range steps {
		if s.Action == declare.Delete {
			delete(there[s.What+"s"], s.ID)
		} else if s.Action != declare.Unchanged {
			there[s.What+"s"][s.ID] = s.Definition
		}
	}
	for kind, by := range there {
		lists[kind] = nil
		for _, one := range by {
			lists[kind] = append(lists[kind], one)
		}
	}
	raw, err = json.Marshal(lists)
	require.NoError(t, err)
	var set declare.Set
	require.NoError(t, json.Unmarshal(raw, &set))
	return set
}

func untouched(steps []declare.Step) bool {
	for _, s := range steps {
		if s.Action != declare.Unchanged {
			return false
		}
	}
	return true
}

// What export writes is what apply reads, and it changes nothing; what was applied is there.
func TestARoundTripChangesNothing(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		have, declared := sets(t, "have"), sets(t, "declared")
		require.NoError(t, declare.Validate(declared, have, true, table.Validate))

		text, err := have.YAML()
		require.NoError(t, err)
		read, err := declare.Parse(text)
		require.NoError(t, err, string(text))
		steps, err := declare.Plan(read, have, true)
		require.NoError(t, err)
		require.True(t, untouched(steps), "%v\n%s", steps, text)

		for _, prune := range []bool{false, true} {
			steps, err = declare.Plan(declared, have, prune)
			require.NoError(t, err)
			after := applied(t, have, steps)
			steps, err = declare.Plan(declared, after, prune)
			require.NoError(t, err)
			require.True(t, untouched(steps), "%v", steps)
			if prune {
				require.Len(t, after.Services, len(declared.Services))
				require.Len(t, after.Checks, len(declared.Checks))
				require.Len(t, after.Pages, len(declared.Pages))
			}
		}
	})
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	table, err := kinds.Table()
	require.NoError(t, err)
	set, err := declare.Parse([]byte(`
services: [{id: web}, {id: web}]
checks:
  - {id: home, service: shop, kind: http, target: "https://example.org/", interval: 1ms, assertions: ["status = 200"]}
---
pages: [{id: public, services: [none]}]
`))
	require.NoError(t, err)
	err = declare.Validate(set, declare.Set{Services: []monitor.ServiceDefinition{{ID: "shop"}}}, false, table.Validate)
	for _, part := range []string{"service web: id: is declared twice", "check home: interval:", "check home: assertions[0]:", `page public: services[0]: "none" is not declared`} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "shop", "it exists")
	require.ErrorContains(t, declare.Validate(set, declare.Set{Services: []monitor.ServiceDefinition{{ID: "shop"}}}, true, table.Validate), `check home: service: "shop" is not declared`)

	_, err = declare.Parse([]byte("checks: [{id: home, intervall: 5s}]"))
	require.ErrorContains(t, err, `unknown field "intervall"`)
	_, err = declare.Parse([]byte("checks: ["))
	require.ErrorContains(t, err, "neither JSON nor YAML")
}

func TestHeartbeatsKeepTheirTokens(t *testing.T) {
	have := declare.Set{Checks: []monitor.Definition{{
		ID: "backup", Service: "db", Kind: monitor.KindHeartbeat, Options: json.RawMessage(`{"token_sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`),
	}}}
	steps, err := declare.Plan(declare.Set{Checks: []monitor.Definition{{ID: "backup", Service: "db", Kind: monitor.KindHeartbeat}}}, have, false)
	require.NoError(t, err)
	require.Equal(t, declare.Unchanged, steps[0].Action, "%v", steps)
}
