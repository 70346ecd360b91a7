package main_test

import (
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(have), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test ./services/vedette -update")
	require.Equal(t, string(want), have)
}

func TestHelpIsAsItShouldBe(t *testing.T) {
	for name, args := range map[string]string{"help": "", "up-help": "up --help", "runner-help": "runner --help", "api-help": "api --help"} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, nil, strings.Fields(args)...)
			require.Zero(t, code, errs)
			golden(t, name+".golden", out)
		})
	}
}

func TestWrongUsageIsExplainedInFewLines(t *testing.T) {
	data := t.TempDir()
	for args, want := range map[string]string{
		"chek":                                 `no command "chek": did you mean check?`,
		"up --frobnicate":                      "unknown flag: --frobnicate",
		"up now":                               `unknown command "now"`,
		"up --durability maybe":                "use always, relaxed",
		"up --deny 10.0.0.0/99":                "no address range",
		"up --max-events many":                 "use a whole number with MiB, GiB or TiB",
		"up --log-level loud":                  "use debug, info, warn, error",
		"up --concurrency many":                "concurrency",
		"up --location The.Moon":               `location "The.Moon"`,
		"up --nats-url nats://x --data /tmp/x": "--data is of the embedded NATS server",
		"openapi x":                            "unknown command",
	} {
		code, out, errs := run(t, nil, strings.Fields(args)...)
		require.Equal(t, 2, code, "%s: %s", args, errs)
		require.Contains(t, errs, want, args)
		require.True(t, strings.HasPrefix(errs, "vedette: "), errs)
		require.LessOrEqual(t, strings.Count(errs, "\n"), 3, "no dump of the help:\n%s", errs)
		require.Empty(t, out)
	}
	entries, err := os.ReadDir(data)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestWhatKeepsItFromStartingIsNamed(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	for name, c := range map[string]struct{ args, want string }{
		"reachable without a token":    {"--http 0.0.0.0:0", "VEDETTE_ADMIN_TOKEN"},
		"address in use":               {"--http " + taken.Addr().String(), taken.Addr().String()},
		"no address":                   {"--http nowhere", `"nowhere"`},
		"NATS open without a password": {"--nats-listen 0.0.0.0:0", "--nats-password"},
		"too many at once":             {"--concurrency 100000", "use 1 to 4096"},
		"references":                   {"--reference nowhere", `"nowhere"`},
		"a file for a folder":          {"--data " + file, file},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"up", "--data", t.TempDir(), "--http", "127.0.0.1:0"}, strings.Fields(c.args)...)
			code, _, errs := run(t, []string{"VEDETTE_LOG_LEVEL=error"}, args...)
			require.Equal(t, 1, code, errs)
			require.Contains(t, errs, c.want)
		})
	}
}

func TestTheEnvironmentConfiguresAndFlagsComeFirst(t *testing.T) {
	code, _, errs := run(t, []string{"VEDETTE_DURABILITY=maybe"}, "up")
	require.Equal(t, 2, code)
	require.Contains(t, errs, `VEDETTE_DURABILITY="maybe" in the environment: use always, relaxed`)

	data := t.TempDir()
	p := start(t, []string{"VEDETTE_HTTP=127.0.0.1:0", "VEDETTE_DATA=" + data, "VEDETTE_LOG_FORMAT=json", "VEDETTE_LOG_LEVEL=debug"},
		"up", "--log-level", "info")
	require.DirExists(t, filepath.Join(data, "nats"))
	require.Zero(t, p.stop())
	require.Contains(t, p.log.String(), `{"time":`)
	require.NotContains(t, p.log.String(), "DEBUG")
}

func TestDataIsWhereStateBelongs(t *testing.T) {
	state := t.TempDir()
	p := start(t, []string{"XDG_STATE_HOME=" + state}, "up", "--http", "127.0.0.1:0")
	require.DirExists(t, filepath.Join(state, "vedette", "nats"))
	code, _, errs := run(t, []string{"XDG_STATE_HOME=" + state}, "up", "--http", "127.0.0.1:0")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "in use by another process", "two on one folder")
	require.Zero(t, p.stop())
}

func TestDocumentsAreTheSameEveryTime(t *testing.T) {
	for _, document := range []string{"openapi", "asyncapi"} {
		code, first, errs := run(t, nil, document)
		require.Zero(t, code, errs)
		_, second, _ := run(t, nil, document)
		require.Equal(t, first, second)
		require.Contains(t, first, "0.0.0")
	}
}

func TestTheVersionIsForPeopleAndPrograms(t *testing.T) {
	code, out, _ := run(t, nil, "version")
	require.Zero(t, code)
	require.Contains(t, out, "vedette ")
	code, out, _ = run(t, nil, "version", "-o", "json")
	require.Zero(t, code)
	require.Contains(t, out, `"go": "go1.`)
}
