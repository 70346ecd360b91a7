// Package middleware logs, measures and traces what passes through a bus: give [Log], [Metrics] and
// [Trace] to bus.Use, bus.WrapCommands, bus.WrapHandler or bus.NewRouter.
package middleware
