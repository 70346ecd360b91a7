// Package runner executes checks at one location.
//
// A runner pulls batches of due checks, waits until each is due, executes as many at once as it has
// workers, sends the results to the gate in the order in which they finished, and acknowledges a
// batch when the gate has answered that all its results are durable. It holds no other right.
//
// One goroutine, the dispatcher, owns all state; every other goroutine does one blocking thing and
// talks to it through a channel. docs/async-check-runner.md describes them all.
package runner
