// Package gate is where results enter Vedette. Runners send it reports; it checks them, writes the
// results of each location to RESULTS in groups, and answers when they are durable. Then it
// announces each of them live.
//
// Any number of gates share the work, and none of them keeps anything that matters: what a gate
// remembers of what it has stored spares a repeat the second write, and what it forgets the readers
// of RESULTS sort out, since they count a result only if it is later than the last one.
package gate
