package vedette_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const project = "github.com/vedette/vedette/"

// listed is a package as "go list" describes it.
type listed struct {
	ImportPath, Dir       string
	Imports               []string
	TestImports           []string
	XTestImports, GoFiles []string
}

// part is a piece of the project whose packages belong together. Arrows go from higher levels to
// lower ones, never sideways.
type part struct {
	name  string
	level int
}

// parts are the pieces by the beginnings of their paths, the longest first.
func parts() []struct {
	prefix string
	part
} {
	return []struct {
		prefix string
		part
	}{
		{"services/vedette", part{"services/vedette", 4}},
		{"pkg/bus/jetstream", part{"bus/jetstream", 2}},
		{"pkg/executor", part{"executor", 2}},
		{"pkg/readmodel", part{"readmodel", 2}},
		{"pkg/replay", part{"replay", 2}},
		{"pkg/explain", part{"explain", 2}},
		{"pkg/statuspage", part{"statuspage", 2}},
		{"pkg/chain", part{"chain", 0}},
		{"pkg/jsonscan", part{"jsonscan", 0}},
		{"pkg/archive", part{"archive", 1}},
		{"pkg/notify", part{"notify", 2}},
		{"pkg/process/programlog", part{"programlog", 0}},
		{"pkg/process", part{"process", 2}},
		{"ui", part{"ui", 2}},
		{"pkg/bus", part{"bus", 1}},
		{"pkg/trace", part{"trace", 1}},
		{"pkg/monitor", part{"monitor", 0}},
	}
}

// partOf returns the part to which a package belongs; not ok for one that is not the project's.
func partOf(path string) (part, bool) {
	local, ours := strings.CutPrefix(path, project)
	if !ours {
		return part{}, false
	}
	for _, p := range parts() {
		if within(local, p.prefix) {
			return p.part, true
		}
	}
	if service, ok := strings.CutPrefix(local, "services/"); ok {
		name, _, _ := strings.Cut(service, "/")
		return part{"services/" + name, 3}, true
	}
	return part{local, 5}, true // the root of pkg, which holds documentation
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// violations returns what is wrong with the imports of packages.
func violations(packages []listed) []string {
	var wrong []string
	for _, p := range packages {
		for _, path := range p.Imports {
			wrong = append(wrong, wrongWire(p.ImportPath, path)...)
			wrong = append(wrong, wrongLevel(p.ImportPath, path)...)
			wrong = append(wrong, wrongNeighbour(p.ImportPath, path)...)
		}
		for _, path := range append(append([]string(nil), p.TestImports...), p.XTestImports...) {
			wrong = append(wrong, wrongNeighbour(p.ImportPath, path)...)
		}
	}
	return wrong
}

// wrongLevel holds that arrows go downward only.
func wrongLevel(from, to string) []string {
	upper, _ := partOf(from)
	lower, ours := partOf(to)
	if !ours || upper == lower || upper.level > lower.level {
		return nil
	}
	return []string{fmt.Sprintf("%s imports %s: %s must not know %s", from, to, upper.name, lower.name)}
}

// wrongWire holds who may speak NATS. Tests may, as the strangers they play.
func wrongWire(from, to string) []string {
	local := strings.TrimPrefix(from, project)
	speaks := within(local, "pkg/bus/jetstream")
	switch {
	case within(to, "github.com/nats-io/nats-server") && !within(local, "pkg/bus/jetstream/embedded"),
		(within(to, "github.com/nats-io/nats.go") || within(to, "github.com/synadia-io/orbit.go")) && !speaks:
		return []string{fmt.Sprintf("%s imports %s: NATS is spoken by pkg/bus/jetstream alone, and its server run by the folder embedded", from, to)}
	}
	return nil
}

// wrongNeighbour holds that services are strangers to each other, their tests too.
func wrongNeighbour(from, to string) []string {
	upper, _ := partOf(from)
	lower, ours := partOf(to)
	if ours && upper.level == 3 && lower.level >= 3 && upper != lower {
		return []string{fmt.Sprintf("%s imports %s: services talk by subject", from, to)}
	}
	return nil
}

// impureImports are the packages of the standard library by which the domain would do more than compute.
func impureImports() []string {
	return []string{
		"context", "crypto/rand", "database", "io", "log", "math/rand", "net", "os", "plugin", "runtime", "syscall", "testing", "unsafe",
	}
}

// impurities returns what a file of the domain does that it must not.
func impurities(name string, source any) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, 0)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if strings.Contains(path, ".") && !strings.HasPrefix(path, project+"pkg/monitor") {
			wrong = append(wrong, fmt.Sprintf("%s imports %s: the domain uses the standard library only", files.Position(spec.Pos()), path))
		}
		for _, impure := range impureImports() {
			if within(path, impure) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: the domain is pure", files.Position(spec.Pos()), path))
			}
		}
	}
	clock := map[string]bool{"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "Tick": true, "NewTimer": true, "NewTicker": true, "Local": true}
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok && of.Name == "time" && of.Obj == nil && clock[selector.Sel.Name] {
			wrong = append(wrong, fmt.Sprintf("%s uses time.%s: the domain is told what time it is", files.Position(selector.Pos()), selector.Sel.Name))
		}
		return true
	})
	return wrong, nil
}

func list(t *testing.T, dir string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,GoFiles", "./...")
	command.Dir = dir
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	require.NoError(t, err, problems.String())
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}

func TestArrowsGoDownwardOnly(t *testing.T) {
	var packages []listed
	for _, module := range []string{".", "../services", "../ui"} {
		if _, err := os.Stat(filepath.Join(module, "go.mod")); errors.Is(err, os.ErrNotExist) {
			t.Skipf("module %s is not here", module)
		}
		packages = append(packages, list(t, module)...)
	}
	require.Greater(t, len(packages), 10)
	assert.Empty(t, violations(packages))
	for _, p := range packages {
		if !within(p.ImportPath, project+"pkg/monitor") {
			continue
		}
		for _, file := range p.GoFiles {
			wrong, err := impurities(filepath.Join(p.Dir, file), nil)
			require.NoError(t, err)
			assert.Empty(t, wrong)
		}
	}
}

func TestWhatIsAgainstTheRulesIsFound(t *testing.T) {
	for _, c := range []struct {
		from, to string
		wrong    bool
	}{
		{"services/vedette", project + "services/decider", false},
		{"services/vedette/cli", project + "services/vedette/client", false},
		{"services/decider", project + "pkg/bus/jetstream", false},
		{"services/decider", project + "pkg/monitor", false},
		{"pkg/bus/jetstream", project + "pkg/bus/cloudevents", false},
		{"pkg/bus/jetstream", "github.com/nats-io/nats.go/jetstream", false},
		{"pkg/executor/natscheck", "github.com/nats-io/nats.go", true},
		{"pkg/bus/jetstream/embedded", "github.com/nats-io/nats-server/v2/server", false},
		{"services/decider", project + "services/scheduler", true},
		{"services/decider", project + "services/vedette", true},
		{"pkg/bus", project + "pkg/bus/jetstream", true},
		{"pkg/bus/cloudevents", project + "pkg/executor", true},
		{"pkg/monitor", project + "pkg/bus", true},
		{"pkg/readmodel", project + "pkg/executor", true},
		{"services/api", project + "pkg/replay", false},
		{"pkg/replay", project + "pkg/executor", true},
		{"pkg/readmodel", project + "services/projector", true},
		{"ui", project + "services/api", true},
		{"services/api", "github.com/nats-io/nats.go", true},
		{"services/api", "github.com/synadia-io/orbit.go/jetstreamext", true},
		{"pkg/readmodel", "github.com/nats-io/nats.go/jetstream", true},
		{"pkg/bus/jetstream", "github.com/nats-io/nats-server/v2/server", true},
	} {
		found := violations([]listed{{ImportPath: project + c.from, Imports: []string{c.to}}})
		assert.Equal(t, c.wrong, len(found) > 0, "%s → %s: %v", c.from, c.to, found)
	}
	assert.NotEmpty(t, violations([]listed{{ImportPath: project + "services/api", XTestImports: []string{project + "services/decider"}}}), "tests too")
	assert.Empty(t, violations([]listed{{ImportPath: project + "services/api", TestImports: []string{"github.com/nats-io/nats.go"}}}), "a test may play a stranger")

	for source, wrong := range map[string]int{
		`package monitor; import "time"; func f(now time.Time) time.Duration { return time.Second }`: 0,
		`package monitor; import "time"; func f() time.Time { return time.Now() }`:                   1,
		`package monitor; import ("context"; "net/http"; "os")`:                                      3,
		`package monitor; import "github.com/google/uuid"`:                                           1,
		`package monitor; import "math/rand/v2"`:                                                     1,
	} {
		found, err := impurities("bad.go", source)
		require.NoError(t, err)
		assert.Len(t, found, wrong, source)
	}
}
