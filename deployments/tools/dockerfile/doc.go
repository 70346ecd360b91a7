// Package dockerfile holds deployments/Dockerfile to BuildKit's own linter.
//
// It is a module outside of the workspace, since BuildKit's requirements would raise the versions
// of what the product is built with. Run it by itself: GOWORK=off go test ./...
package dockerfile
