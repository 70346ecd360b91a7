package main_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestTheEventCatalogueIsComplete(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	require.NoError(t, err)
	catalogue := string(raw)
	for _, e := range monitor.Events() {
		row := ""
		for line := range strings.Lines(catalogue) {
			if strings.Contains(line, "`"+e.Type()+"`") {
				row = line
			}
		}
		require.NotEmpty(t, row, "docs/events.md does not list %s", e.Type())
		for i := range reflect.TypeOf(e).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(e).Field(i).Tag.Get("json"), ",")
			require.Contains(t, row, "`"+name+"`", "docs/events.md, row of %s", e.Type())
		}
	}
	for i := range reflect.TypeFor[monitor.Result]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[monitor.Result]().Field(i).Tag.Get("json"), ",")
		require.Contains(t, catalogue, "`"+name+"`", "docs/events.md: fields of a result")
	}
}
