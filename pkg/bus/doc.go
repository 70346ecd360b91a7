// Package bus is the message bus: the only door between the parts of Vedette.
//
// Its interfaces say what the parts may do: send and serve commands ([Commands], [CommandServer]),
// append to and follow the event log ([EventLog]) and the result log ([ResultLog]), hand out and
// pull executions ([Executions]), deliver what a runner found ([Ingest]), announce what subscribers
// may miss ([Live]), hold a lease ([Leases]), and keep read models ([Store]). A part asks for those
// it needs and no more.
//
// On top of them, a [Router] hands commands and events to typed handlers, and [Use] puts middleware
// around a bus: package bus/middleware has some for logging, metrics and traces.
//
// [Memory] implements all of them in one process. Package bus/jetstream does on NATS JetStream.
// Both pass the suite of package bus/bustest.
package bus
