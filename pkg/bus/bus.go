package bus

import "context"

// Bus is everything a binding offers to the parts of Vedette that hold full rights. A runner holds
// an ExecutionSource and an Ingest only.
type Bus interface {
	Commands
	CommandServer
	EventLog
	ResultLog
	Executions
	Ingest
	IngestServer
	Live
	Leases
	Store
	// Probe proves that every stream still accepts writes, leaving no mark in EVENTS.
	Probe(ctx context.Context) error
}
