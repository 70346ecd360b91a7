package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	"github.com/stretchr/testify/require"
)

// committedOpenAPI is the document in the repository, of no version so that a release does not change it.
const committedOpenAPI = "../../docs/openapi.json"

var update = flag.Bool("update", false, "write docs/openapi.json anew")

func TestTheOpenAPIDocumentIsAlwaysTheSame(t *testing.T) {
	one, err := OpenAPI("1.2.3")
	require.NoError(t, err)
	two, err := OpenAPI("1.2.3")
	require.NoError(t, err)
	require.Equal(t, string(one), string(two))
	require.Contains(t, string(one), `"version": "1.2.3"`)
}

func TestTheCommittedOpenAPIDocumentIsCurrent(t *testing.T) {
	raw, err := OpenAPI("0.0.0")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(filepath.FromSlash(committedOpenAPI), raw, 0o644))
	}
	have, err := os.ReadFile(filepath.FromSlash(committedOpenAPI))
	require.NoError(t, err, "write it with: go test ./services/api -run OpenAPI -update")
	require.True(t, bytes.Equal(raw, have), "write it anew with: go test ./services/api -run OpenAPI -update")
}

func TestTheOpenAPIDocumentIsSound(t *testing.T) {
	raw, err := OpenAPI("0.0.0")
	require.NoError(t, err)
	document, err := libopenapi.NewDocument(raw)
	require.NoError(t, err)
	model, err := document.BuildV3Model()
	require.NoError(t, err)
	ids := map[string]bool{}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			route := method + " " + path
			require.NotEmpty(t, operation.Summary, route)
			require.NotEmpty(t, operation.Description, route)
			require.Len(t, operation.Tags, 1, route)
			require.False(t, ids[operation.OperationId], route)
			ids[operation.OperationId] = true
			for _, p := range operation.Parameters {
				require.NotEmpty(t, p.Description, "%s: %s", route, p.Name)
			}
			for code, response := range operation.Responses.Codes.FromOldest() {
				if response.Content == nil {
					continue
				}
				for kind, media := range response.Content.FromOldest() {
					require.NotNil(t, media.Example, "%s: %s %s", route, code, kind)
				}
			}
		}
	}
	require.Greater(t, len(ids), 25)
	for name, schema := range model.Model.Components.Schemas.FromOldest() {
		require.NotEmpty(t, schema.Schema().Description, name)
		if schema.Schema().Properties == nil {
			continue
		}
		for field, property := range schema.Schema().Properties.FromOldest() {
			if !property.IsReference() {
				require.NotEmpty(t, property.Schema().Description, "%s.%s", name, field)
			}
		}
	}
}

// Every route that is served is described, and the other way round.
func TestEveryRouteIsDescribed(t *testing.T) {
	w := newWorld(t)
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	w.want(200, "GET", "/openapi.json", nil).into(t, &document)
	for path, methods := range document.Paths {
		for method := range methods {
			asked := strings.NewReplacer("{id}", "none", "{sequence}", "1").Replace(path)
			if method == "get" && !strings.HasSuffix(path, "/stream") {
				r := w.call(strings.ToUpper(method), asked, nil)
				require.NotEqual(t, 405, r.status, "%s %s", method, path)
				require.NotContains(t, string(r.body), "problem-no-route", "%s %s", method, path)
			}
		}
	}
}
