package linters

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

type dashboard struct {
	Panels []struct {
		Title, Description, Type string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ Expr string }
	}
}

func read(t *testing.T) dashboard {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "deployments", "grafana", "vedette.json"))
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(raw, &d))
	return d
}

// metricsOf parses a query as Prometheus does and returns the metrics that it reads.
func metricsOf(t *testing.T, query string) []string {
	t.Helper()
	query = strings.NewReplacer("$__rate_interval", "1m", "$job", ".*").Replace(query)
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	require.NoError(t, err, query)
	var names []string
	parser.Inspect(expression, func(n parser.Node, _ []parser.Node) error {
		selector, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range selector.LabelMatchers {
			if m.Name == labels.MetricName {
				names = append(names, m.Value)
			}
		}
		return nil
	})
	require.NotEmpty(t, names, query)
	return names
}

// sources are those of one process or of the bus, whose metrics are named after it.
func sources(t *testing.T, owner string) string {
	t.Helper()
	folder := filepath.Join(root, "services", owner)
	if owner == "bus" {
		folder = filepath.Join(root, "pkg", "bus", "jetstream")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	var all strings.Builder
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(raw)
	}
	return all.String()
}

// Every metric on the dashboard is one that its process has, as the literal of its registration.
func TestTheDashboardShowsWhatThereIs(t *testing.T) {
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	shown := 0
	for _, p := range read(t).Panels {
		for _, target := range p.Targets {
			for _, name := range metricsOf(t, target.Expr) {
				if strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "go_") {
					continue
				}
				owner, rest, ok := strings.Cut(strings.TrimPrefix(suffix.ReplaceAllString(name, ""), "vedette_"), "_")
				require.True(t, ok, name)
				code := sources(t, owner)
				require.True(t, strings.Contains(code, `"vedette_`+owner+"_"+rest+`"`) || strings.Contains(code, `"`+rest+`"`),
					"%s: %s has no metric %s", p.Title, owner, name)
				shown++
			}
		}
	}
	require.Greater(t, shown, 30)
}

func TestThePanelsAreExplainedAndDoNotOverlap(t *testing.T) {
	taken := map[[2]int]string{}
	for _, p := range read(t).Panels {
		if p.Type != "row" {
			require.NotEmpty(t, p.Description, p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Less(t, x, 24, p.Title)
				require.Empty(t, taken[[2]int{x, y}], "%s lies on it", p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
