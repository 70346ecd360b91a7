// Package trace keeps of results what decisions are made of, in some 15 bytes each: when they were due,
// started, finished and stored, how they ended, where and under which revision. What was observed is
// not among it.
//
// A [Block] is a stretch of the results of one check in the order in which they came. It is pure, and
// written the same for the same results.
package trace
