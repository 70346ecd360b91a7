package endpoint

import (
	"context"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/monitor"
)

// Target is the host:port that a check connects to, and the way there.
type Target struct {
	network, address string
	way              route.Route
}

// NewTarget prepares one, by network "tcp" or "udp", of options that have been decoded, and adds what is
// wrong with them.
func NewTarget(problems *monitor.Problems, network, address string, o route.Options, p route.ProxyOptions) Target {
	if problem := Problem(address); problem != "" && address != "" { // an empty one is reported as missing already
		problems.Add("target", "%s", problem)
	}
	way, more := route.New(o, p)
	*problems = append(*problems, more...)
	return Target{network, address, way}
}

// Address is the target, its secrets not put in.
func (t Target) Address() string { return t.address }

// Meet connects and has look observe what is there, since the time at which that began; the connection
// ends with it. Where there is none, that is what was observed.
func (t Target) Meet(ctx context.Context, tools executor.Tools, look func(conn *Conn, begun time.Time) executor.Observation) executor.Observation {
	begun := time.Now()
	conn, err := Dial(ctx, tools, t.way, t.network, t.address)
	if err != nil {
		return executor.Observation{Err: err, Latency: time.Since(begun)}
	}
	defer func() { _ = conn.Close() }()
	return look(conn, begun)
}
