package asyncapi_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/asyncapi"
)

// committed is the document in the repository, of no version so that a release does not change it.
var committed = filepath.Join("..", "..", "..", "docs", "asyncapi.yaml")

var update = flag.Bool("update", false, "write docs/asyncapi.yaml anew")

func TestTheCommittedDocumentIsCurrent(t *testing.T) {
	raw, err := asyncapi.YAML("0.0.0")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(committed, raw, 0o644))
	}
	have, err := os.ReadFile(committed)
	require.NoError(t, err, "write it with: go test ./services/vedette/asyncapi -update")
	require.Equal(t, string(raw), string(have), "write it anew with: go test ./services/vedette/asyncapi -update")
}

func TestEveryMessageHasAChannel(t *testing.T) {
	channels := asyncapi.Document("0.0.0")["channels"].(map[string]any)
	addresses := map[string]bool{}
	for _, c := range channels {
		addresses[c.(map[string]any)["address"].(string)] = true
	}
	for _, c := range monitor.Commands() {
		kind, _ := c.Aggregate()
		require.True(t, addresses["vedette.command."+kind+".{id}."+c.Verb()], c.Type())
	}
	for _, e := range monitor.Events() {
		kind, _ := e.Aggregate()
		if _, isResult := monitor.ResultOf(e); isResult {
			require.True(t, addresses["vedette.live.result.{service}.{check}."+e.Verb()], e.Type())
			continue
		}
		require.True(t, addresses["vedette.event."+kind+".{id}."+e.Verb()], e.Type())
	}
}
