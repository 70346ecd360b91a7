package linters

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

const root = "../../.."

// images answers for every base image without a registry.
type images struct{}

func (images) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	raw, err := json.Marshal(ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"},
		Config:   ocispecs.ImageConfig{Env: []string{"PATH=/usr/local/go/bin:/usr/bin:/bin"}},
	})
	return ref, digest.FromBytes(raw), raw, err
}

func source(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "deployments", "Dockerfile"))
	require.NoError(t, err)
	return raw
}

func convert(dockerfile []byte) dockerfile2llb.ConvertOpt {
	lines := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", dockerfile)
	lines.Definition = &llb.Definition{}
	return dockerfile2llb.ConvertOpt{
		MetaResolver:   images{},
		TargetPlatform: &ocispecs.Platform{OS: "linux", Architecture: "amd64"},
		Config:         dockerui.Config{LinterConfig: &linter.Config{ExperimentalAll: true}},
		MainContext:    new(llb.Scratch()),
		SourceMap:      lines,
	}
}

func lint(t *testing.T, dockerfile []byte) []string {
	t.Helper()
	results, err := dockerfile2llb.DockerfileLint(t.Context(), dockerfile, convert(dockerfile))
	require.NoError(t, err)
	require.Nil(t, results.Error)
	var findings []string
	for _, w := range results.Warnings {
		findings = append(findings, w.RuleName+": "+w.Detail)
	}
	return findings
}

func TestTheLinterFindsNothing(t *testing.T) {
	require.Empty(t, lint(t, source(t)))
	bad := append(source(t), "\nmaintainer somebody\nENV ADMIN_PASSWORD=x\n"...)
	require.Len(t, lint(t, bad), 3, "it would find: the case of a word, a maintainer, a secret")
}

func TestTheImageIsOneProgramOfNobody(t *testing.T) {
	result, err := dockerfile2llb.Dockerfile2LLB(t.Context(), source(t), convert(source(t)))
	require.NoError(t, err)
	config := result.Image.Config
	require.Equal(t, "65532:65532", config.User, "a number, so that Kubernetes sees that it is not root")
	require.Equal(t, []string{"/vedette"}, config.Entrypoint)
	require.Equal(t, []string{"up"}, config.Cmd)
	require.Equal(t, []string{"CMD", "/vedette", "healthcheck", "http://127.0.0.1:8080/healthz"}, config.Healthcheck.Test)
	require.Contains(t, config.Env, "VEDETTE_DATA=/data")
	require.Nil(t, result.BaseImage, "nothing but the program")
}

func TestTheContextHoldsWhatTheBuildNeeds(t *testing.T) {
	file, err := os.Open(filepath.Join(root, ".dockerignore"))
	require.NoError(t, err)
	patterns, err := ignorefile.ReadAll(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	ignored, err := patternmatcher.New(patterns)
	require.NoError(t, err)
	for path, want := range map[string]bool{
		"pkg/go.mod": false, "pkg/go.sum": false, "pkg/monitor/board.go": false, "services/go.sum": false,
		"services/vedette/main.go": false, "ui/go.mod": false, "ui/embed.go": false, "ui/dist/index.html": false,
		".git/config": true, ".env": true, "vedette-data/nats/x": true, "ui/node_modules/svelte/package.json": true,
		"pkg/monitor/board_test.go": true, "go.work": true,
	} {
		got, err := ignored.MatchesOrParentMatches(path)
		require.NoError(t, err)
		require.Equal(t, want, got, path)
	}
}
