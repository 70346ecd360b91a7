// Package projector keeps the read models: it folds EVENTS and RESULTS by the projections of package
// readmodel, and writes what changed to their buckets, each write one atomic batch with the checkpoint
// that it reaches. One projector is active, standbys wait for its lease; an expectation on the
// checkpoint stops a former one. What is lost or out of date is folded again from the logs.
package projector
