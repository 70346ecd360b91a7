package check_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// program builds vedette as this workspace has it.
func program(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vedette")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./services/vedette")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return file
}

// What the composition, the image and the units set are flags of what they start.
func TestEverySettingIsAFlag(t *testing.T) {
	vedette := program(t)
	help := func(command ...string) string {
		out, err := exec.CommandContext(t.Context(), vedette, append(command, "--help")...).CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	flag := func(variable string) string {
		return "--" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "VEDETTE_")), "_", "-") + " "
	}
	project := loaded(t)
	for _, name := range processes() {
		usage := help(name)
		for variable, value := range project.Services[name].Environment {
			if value != nil && *value != "" {
				require.Contains(t, usage, flag(variable), "%s of %s", variable, name)
			}
		}
		check := project.Services[name].HealthCheck.Test
		require.Equal(t, "/vedette", check[1])
		help(check[2])
	}
	for _, variable := range []string{"VEDETTE_DATA", "VEDETTE_HTTP"} {
		require.Contains(t, text(t, "deployments/Dockerfile"), variable+"=")
		require.Contains(t, help("up"), flag(variable))
	}
	require.Contains(t, text(t, "deployments/systemd/vedette.service"), "VEDETTE_DATA=")
}
