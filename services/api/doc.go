// Package api is the REST API, the event stream over HTTP, and what is served beside them: health,
// metrics, the documents that describe the API, and the web interface.
//
// It decides nothing. A write becomes a command; its answer waits until the read models show what
// the command led to. A read is answered from memory. The event stream has one tail per log and
// process, whatever the number of clients; a client that is behind reads from the log until it has
// caught up with the tail.
package api
