// Package ui carries the built web interface inside the program.
package ui

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Assets returns the built interface, rooted where index.html is. It is built by `npm run build` and
// committed, so that building the program needs no Node.
func Assets() fs.FS {
	assets, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(fmt.Errorf("dist is embedded at build time: %w", err))
	}
	return assets
}
