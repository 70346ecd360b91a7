// Package replay answers "what if": it folds recorded results again under a changed policy, by the
// same code that decides in production, and says which incidents, alerts and minutes of downtime
// would have been others.
//
// The question is what would have happened had the policy been changed at the beginning of the range.
// Everything here is pure: events and results come in as they are read, and nothing reads a clock or
// does I/O. A [Record] gathers what EVENTS tells of the range; a [Trial] made from it takes the
// results and gives a [Report]. Each check is a [Case] of its own, so that cases may be heard by
// several goroutines at once.
//
// Silences are judged at the instant at which data becomes stale, whenever the decider noticed. With
// an unchanged policy the answer is what happened; a trial folds that too, and the report says when
// it is not so, as after a time in which no decider was at work.
package replay
