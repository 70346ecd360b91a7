// Package vedette is the core library of Vedette, an event-sourced uptime monitor.
//
// Its parts are packages of their own: monitor is the domain, bus the message bus (in memory, or on
// NATS JetStream by bus/jetstream), executor executes checks, and readmodel folds events into what is
// shown. The example puts three of them together without a server.
package vedette
