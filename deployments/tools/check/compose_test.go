package check_test

import (
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// processes are those that the composition runs each for itself.
func processes() []string {
	return []string{"api", "decider", "gate", "notifier", "projector", "runner", "scheduler"}
}

// secretVariables have no default: without one of them nothing starts.
func secretVariables() []string {
	return []string{"VEDETTE_ADMIN_TOKEN", "NATS_PASSWORD", "NATS_RUNNER_PASSWORD"}
}

// composition loads docker-compose.yml as Compose does, strictly, with the given secrets set.
func composition(t *testing.T, secrets ...string) (*types.Project, error) {
	t.Helper()
	var environment []string
	for _, name := range secrets {
		environment = append(environment, name+"=secret-"+name)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithEnv(environment), cli.WithInterpolation(true), cli.WithNormalization(true), cli.WithConsistency(true))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

func loaded(t *testing.T) *types.Project {
	t.Helper()
	project, err := composition(t, secretVariables()...)
	require.NoError(t, err)
	return project
}

func TestComposeRunsEveryProcess(t *testing.T) {
	project := loaded(t)
	require.Equal(t, slices.Sorted(slices.Values(append(processes(), "nats"))), slices.Sorted(maps.Keys(project.Services)))
	for _, name := range processes() {
		s := project.Services[name]
		require.Equal(t, types.ShellCommand{name}, s.Command, "the process that %s runs", name)
		require.Equal(t, types.ServiceConditionHealthy, s.DependsOn["nats"].Condition, "%s waits for NATS", name)
		require.Equal(t, "deployments/Dockerfile", s.Build.Dockerfile)
		require.FileExists(t, filepath.Join(s.Build.Context, s.Build.Dockerfile))
	}
	for _, name := range processes() {
		s := project.Services[name]
		if name == "runner" {
			require.Equal(t, 3, s.GetScale(), "runners")
			continue
		}
		require.Equal(t, 1, s.GetScale(), name)
	}
}

func TestComposeStartsAgainAndKnowsWhoIsWell(t *testing.T) {
	for name, s := range loaded(t).Services {
		require.Equal(t, types.RestartPolicyUnlessStopped, s.Restart, name)
		require.NotNil(t, s.HealthCheck, "%s has a health check", name)
		require.False(t, s.HealthCheck.Disable, name)
		require.NotEmpty(t, s.HealthCheck.Test, name)
		require.NotNil(t, s.HealthCheck.Interval, name)
		require.Greater(t, *s.HealthCheck.Interval, *s.HealthCheck.Timeout, "%s: one check ends before the next", name)
		require.NotNil(t, s.StopGracePeriod, "%s may finish what is in flight", name)
	}
}

func TestComposeLosesNothing(t *testing.T) {
	project := loaded(t)
	require.Contains(t, project.Volumes, "events")
	var events, config bool
	for _, v := range project.Services["nats"].Volumes {
		switch v.Type {
		case types.VolumeTypeVolume:
			events = events || v.Source == "events" && v.Target == "/data" && !v.ReadOnly
		case types.VolumeTypeBind:
			require.FileExists(t, v.Source)
			require.Equal(t, filepath.Join(project.WorkingDir, "deployments", "nats.conf"), v.Source)
			require.Contains(t, project.Services["nats"].Command, v.Target, "the server reads it")
			config = v.ReadOnly
		}
	}
	require.True(t, events, "the store is on a named volume")
	require.True(t, config, "nats.conf is mounted, read-only")
	require.Contains(t, text(t, "deployments/nats.conf"), "store_dir: /data")
}

func TestComposeKeepsToItself(t *testing.T) {
	for name, s := range loaded(t).Services {
		for _, p := range s.Ports {
			require.True(t, net.ParseIP(p.HostIP).IsLoopback(), "%s publishes %s on %q", name, p.Published, p.HostIP)
		}
		if name != "api" {
			require.Empty(t, s.Ports, "%s publishes nothing", name)
		}
		require.True(t, s.ReadOnly, "%s writes to volumes only", name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Contains(t, s.SecurityOpt, "no-new-privileges:true", name)
		require.False(t, s.Privileged, name)
	}
	project := loaded(t)
	require.True(t, project.Networks["bus"].Internal)
	for _, name := range []string{"nats", "gate", "decider", "scheduler", "projector"} {
		require.Equal(t, []string{"bus"}, slices.Collect(maps.Keys(project.Services[name].Networks)), "%s needs no way out", name)
	}
}

func TestComposeAsksForItsSecrets(t *testing.T) {
	for _, missing := range secretVariables() {
		others := slices.DeleteFunc(secretVariables(), func(name string) bool { return name == missing })
		_, err := composition(t, others...)
		require.ErrorContains(t, err, missing)
		require.ErrorContains(t, err, "is not set")
	}
	project := loaded(t)
	value := func(service, variable string) string {
		v := project.Services[service].Environment[variable]
		require.NotNil(t, v, "%s of %s", variable, service)
		return *v
	}
	require.Equal(t, "secret-VEDETTE_ADMIN_TOKEN", value("api", "VEDETTE_ADMIN_TOKEN"))
	for _, name := range processes() {
		want := "secret-NATS_PASSWORD"
		if name == "runner" {
			want = "secret-NATS_RUNNER_PASSWORD"
		}
		require.Equal(t, want, value(name, "VEDETTE_PASSWORD"), name)
		for variable, v := range project.Services[name].Environment {
			if v != nil && strings.Contains(*v, "secret-") {
				require.Contains(t, []string{"VEDETTE_ADMIN_TOKEN", "VEDETTE_PASSWORD"}, variable, "%s of %s holds a secret", variable, name)
			}
		}
	}
	require.NotContains(t, project.Services["runner"].Environment, "VEDETTE_ADMIN_TOKEN")
}
