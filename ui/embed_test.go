package ui_test

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/ui"
)

// read returns every built file by its path.
func read(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, fs.WalkDir(ui.Assets(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(ui.Assets(), name)
		files[name] = string(raw)
		return err
	}))
	return files
}

func has(files map[string]string, name string) bool {
	_, ok := files[name]
	return ok
}

// references are what a built file makes the browser load: attributes of HTML, url() of CSS, and
// the chunks that a script imports.
var references = regexp.MustCompile(`(?:src|href)="([^"]+)"|url\(["']?([^"')]+)|(?:import\(|from ?)["` + "`" + `']([./][^"` + "`" + `']+)`)

func TestEveryReferencedAssetIsThere(t *testing.T) {
	files := read(t)
	require.Contains(t, files, "index.html")
	found := 0
	for name, text := range files {
		if !strings.HasSuffix(name, ".html") && !strings.HasSuffix(name, ".css") && !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, match := range references.FindAllStringSubmatch(text, -1) {
			target := match[1] + match[2] + match[3]
			if strings.HasSuffix(name, ".js") && match[3] == "" {
				continue // links of pages, not of assets
			}
			if absolute, ok := strings.CutPrefix(target, "/"); ok {
				target = absolute
			} else {
				target = path.Join(path.Dir(name), target)
			}
			if strings.HasPrefix(target, "api/") {
				continue // asked of the API before the script is there
			}
			require.Truef(t, has(files, target), "%s refers to %s", name, target)
			found++
		}
	}
	require.GreaterOrEqual(t, found, 6, "script, style sheet, icon, two fonts, chevron")
}

// Hosts that are only named: the namespace of SVG, and where Svelte explains its errors.
var named = map[string]bool{"www.w3.org": true, "svelte.dev": true}

func TestNoAssetRefersToAnotherHost(t *testing.T) {
	host := regexp.MustCompile("(?:https?:|[\"'`(])//([a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)+)")
	for name, text := range read(t) {
		if strings.HasSuffix(name, ".woff2") {
			continue
		}
		for _, match := range host.FindAllStringSubmatch(text, -1) {
			if !named[match[1]] && !strings.HasPrefix(match[1], "example.") {
				t.Errorf("%s names the host %s", name, match[1])
			}
		}
	}
}

func TestAStrictPolicyForContentBlocksNothing(t *testing.T) {
	for name, text := range read(t) {
		if strings.HasSuffix(name, ".html") {
			require.NotRegexp(t, `<style|\sstyle=|\son[a-z]+=|<script(>|\s[^>]*[^>c]>[^<])`, text, name)
			require.NotContains(t, text, "<script>", name)
		}
		if strings.HasSuffix(name, ".css") {
			require.NotContains(t, text, "data:", "%s: images come from files", name)
		}
	}
}
