package natscheck

import (
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

func (p *probe) observe(c *client, f found, ip string, timings *monitor.Timings, latency time.Duration) executor.Observation {
	values := map[string]any{
		"rtt": f.rtt, "rtt_ms": endpoint.Milliseconds(f.rtt), "ip": ip,
		"latency": latency, "latency_ms": endpoint.Milliseconds(latency), "timings": endpoint.TimingsMap(timings),
	}
	observed := map[string]any{"ip": ip}
	keep := func(name string, value any) { values[name], observed[name] = value, value }
	if c.greeting.Version != "" {
		keep("server", clean(c.greeting.Name))
		keep("version", clean(c.greeting.Version))
		keep("cluster", clean(c.greeting.Cluster))
		keep("jetstream", c.greeting.JetStream || f.account != nil)
		keep("max_payload", c.greeting.MaxPayload)
	}
	if f.rtt > 0 {
		observed["rtt_ms"] = endpoint.Milliseconds(f.rtt)
	}
	observeStream(f, values, keep)
	secure.Observe(c.state, values, observed)
	return executor.Observation{Values: assertion.Known(values), Observed: observed, Timings: timings, Latency: latency}
}

// observeStream tells of what was asked for; the variables of the rest say by which option it is.
func observeStream(f found, values map[string]any, keep func(string, any)) {
	missing := func(option string, names ...string) {
		for _, name := range names {
			values[name] = assertion.Missing("is only known with options." + option)
		}
	}
	if a := f.account; a != nil {
		values["account"] = map[string]any{
			"streams": a.Streams, "consumers": a.Consumers, "memory": a.Memory, "storage": a.Storage,
			"max_memory": a.Limits.Memory, "max_storage": a.Limits.Storage,
		}
	} else {
		missing("jetstream", "account")
	}
	if s := f.stream; s != nil {
		leader := ""
		if s.Cluster != nil {
			leader = clean(s.Cluster.Leader)
		}
		keep("leader", leader)
		keep("replicas", s.Cluster.current())
		keep("messages", s.State.Messages)
		keep("bytes", s.State.Bytes)
		keep("consumers", s.State.Consumers)
	} else {
		missing("stream", "leader", "replicas", "messages", "bytes", "consumers")
	}
	if c := f.consumer; c != nil {
		keep("pending", c.Pending)
		keep("ack_pending", c.AckPending)
		keep("redelivered", c.Redelivered)
		keep("waiting", c.Waiting)
	} else {
		missing("consumer", "pending", "ack_pending", "redelivered", "waiting")
	}
	if e := f.entry; e != nil {
		values["value"] = clean(string(e.value))
		values["value_age"] = time.Since(e.written)
		keep("revision", e.revision)
	} else {
		missing("key", "value", "value_age", "revision")
	}
}

func clean(text string) string { return strings.ToValidUTF8(text, "�") }
