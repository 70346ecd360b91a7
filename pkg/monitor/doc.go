// Package monitor is the domain of Vedette: checks, results, services, statuses and incidents,
// the commands that ask for change and the events that record it.
//
// Everything here is pure. Nothing reads a clock, a network, a file or the environment: time comes
// in as an argument, and what happened comes in as events. A [Board] is the fold of all events; a
// [Tally] is the fold of all results of one check; a [Timetable] says when a check is due.
package monitor
