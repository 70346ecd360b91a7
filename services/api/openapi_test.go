package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheOpenAPIDocumentIsAlwaysTheSame(t *testing.T) {
	one, err := OpenAPI("1.2.3")
	require.NoError(t, err)
	two, err := OpenAPI("1.2.3")
	require.NoError(t, err)
	require.Equal(t, string(one), string(two))
	require.Contains(t, string(one), `"version": "1.2.3"`)
}
