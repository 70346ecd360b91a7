// Package readmodel holds what is asked of Vedette, ready to answer: projections as pure folds of
// the event and result logs, the table of projections, and repositories over the buckets in which
// the folds are kept.
package readmodel
