// Package linters holds what is under deployments/ to the parsers and linters of the programs that
// read it: the Dockerfile to BuildKit's, the dashboard's queries to Prometheus's.
//
// It is a module outside of the workspace, since their requirements would raise the versions of
// what the product is built with. Run it by itself: GOWORK=off go test ./...
package linters
