// Package decider makes every decision: it takes commands and results, and writes what follows from
// them to the event log.
//
// One decider is active, by the lease "decider"; others wait. Its state is the fold of EVENTS and
// the fold of RESULTS, owned by one goroutine. A lease alone is no fence: every append carries the
// sequence that each aggregate is expected to be at, so that of two deciders that both believe
// themselves active one is refused, reads what the other wrote, and decides again.
package decider
