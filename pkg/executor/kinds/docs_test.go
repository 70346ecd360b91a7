package kinds_test

import (
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/monitor"
)

func page(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "checks", name))
	require.NoError(t, err)
	return string(raw)
}

// examples are the definitions on a page by id, with addresses replaced by those of local servers.
func examples(t *testing.T, page string, replace ...string) map[string]monitor.Definition {
	t.Helper()
	table, err := kinds.Table()
	require.NoError(t, err)
	found := map[string]monitor.Definition{}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1) {
		var d monitor.Definition
		decoder := json.NewDecoder(strings.NewReader(block[1]))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&d), block[1])
		require.Empty(t, append(d.WithDefaults().Validate(), table.Validate(d.WithDefaults())...), "it can be registered as it stands")
		d.Target = strings.NewReplacer(replace...).Replace(d.Target)
		d.Options = []byte(strings.NewReplacer(replace...).Replace(string(d.Options)))
		found[d.ID] = d
	}
	return found
}

// failure is a way to fail, and what it says.
type failure struct {
	executor   executor.Executor
	definition monitor.Definition
	outcome    monitor.Outcome
	text       string
}

// textsOf are the texts of failures that a page has.
func textsOf(page string) []string {
	rows := regexp.MustCompile("(?m)^\\| .* \\| `([^`]*)` \\|$").FindAllStringSubmatch(page[strings.Index(page, "## What a failure says"):], -1)
	texts := make([]string, len(rows))
	for i, row := range rows {
		texts[i] = row[1]
	}
	return texts
}

// requireTexts executes every failure and wants its text in the result and on the page, and no more
// texts on the page. It ends after the test that calls it, whose servers have to be there until then.
func requireTexts(t *testing.T, page string, failures []failure) {
	t.Helper()
	documented := map[string]bool{}
	for _, text := range textsOf(page) {
		documented[text] = true
	}
	for _, f := range failures {
		require.True(t, documented[f.text], "%q is not on the page", f.text)
		delete(documented, f.text)
	}
	require.Empty(t, documented, "the page promises texts that nothing here says")
	for _, f := range failures {
		t.Run(f.text, func(t *testing.T) {
			t.Parallel()
			requireText(t, f)
		})
	}
}

func requireText(t *testing.T, f failure) {
	t.Helper()
	// Only where it is to be met is the time short: a busy machine may take long for the others.
	f.definition.Timeout = monitor.Duration(10 * time.Second)
	if strings.Contains(f.text, "timed out") {
		f.definition.Timeout = monitor.Duration(time.Second)
	}
	engine := executortest.Engine(t, []executor.Executor{f.executor}, func(env *executor.Environment) {
		if strings.Contains(f.text, "--deny") {
			env.Policy = netguard.Policy{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		}
	})
	r := engine.Execute(t.Context(), executortest.Execution(f.definition))
	require.Equal(t, f.outcome, r.Outcome, r.Error)
	require.Contains(t, r.Error, f.text)
}

// besides is a kind without the options and variables that it has from another, whose page names
// them.
func besides(k, other executor.Kind) executor.Kind {
	k.Variables = slices.DeleteFunc(k.Variables, func(v assertion.Variable) bool {
		return slices.ContainsFunc(other.Variables, func(o assertion.Variable) bool { return o == v })
	})
	properties, _ := k.Options["properties"].(map[string]any)
	known, _ := other.Options["properties"].(map[string]any)
	maps.DeleteFunc(properties, func(name string, _ any) bool { return known[name] != nil })
	return k
}

// requireNames wants every name of the kind on its page: options and variables. Of a page that is
// not the kind's alone it is the group of options that the page is about.
func requireNames(t *testing.T, page string, k executor.Kind, group ...string) {
	t.Helper()
	if len(group) > 0 {
		k.Variables = nil
	}
	for _, v := range k.Variables {
		require.Contains(t, page, "| `"+v.Name+"` | "+v.Type+" |")
	}
	var visit func(schema map[string]any, path string)
	visit = func(schema map[string]any, path string) {
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			property, _ := property.(map[string]any)
			if len(group) > 0 && property["x-group"] != group[0] {
				continue
			}
			if property["properties"] != nil {
				visit(property, path+name+".")
				continue
			}
			require.Contains(t, page, "| `"+path+name+"` |")
		}
	}
	visit(k.Options, "")
}
