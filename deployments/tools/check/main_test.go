// Package check_test holds what is under deployments/ to the programs that read it.
package check_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// root is the repository's.
const root = "../../.."

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// text is a file of the repository.
func text(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(raw)
}
