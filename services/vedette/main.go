// Command vedette is the whole of Vedette: every process, alone or all together, and the commands
// that speak to a running server.
package main

import (
	"context"
	"os"
)

// version is set by the linker where the build knows better than Go does:
//
//	go build -ldflags "-X main.version=v1.2.3" ./services/vedette
var version string

func main() {
	os.Exit(Run(context.Background(), Program{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv, Exit: os.Exit,
	}))
}
