package check_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSystemdTakesTheUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	folder := t.TempDir()
	var units []string
	for from, to := range map[string]string{"vedette.service": "vedette.service", "vedette@.service": "vedette@runner.service"} {
		unit := text(t, "deployments/systemd/"+from)
		require.Contains(t, unit, "ExecStart=/usr/local/bin/vedette ")
		// Where the program would be there is none.
		unit = strings.ReplaceAll(unit, "/usr/local/bin/vedette", "/bin/true")
		require.NoError(t, os.WriteFile(filepath.Join(folder, to), []byte(unit), 0o600))
		units = append(units, filepath.Join(folder, to))
	}
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NotContains(t, string(out), folder, "no complaint about them")
}
