// Package scheduler sends every check to the runners of its locations when it is due.
//
// One scheduler is active, by the lease "scheduler"; others wait. Due times follow from a check's
// definition alone, so that every scheduler finds the same ones: an execution sent twice has one id,
// and a successor goes on where the predecessor's progress record ends. An execution whose next due
// time has come is missed: nothing queues into the past.
package scheduler
