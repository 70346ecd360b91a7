package process

import (
	"runtime"
	"runtime/debug"
)

// Build says what a program was built from.
type Build struct {
	// Version is the module's: v1.2.3, a pseudo-version, or "devel" where the build does not know.
	Version string `json:"version"`
	// Commit and Time are those of the sources; Modified says that they were changed since.
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// ThisBuild returns what the Go linker left in the program. version, if not empty, is what the
// build was told instead.
func ThisBuild(version string) Build {
	b := Build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			b.Version = v
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	if version != "" {
		b.Version = version
	}
	return b
}
