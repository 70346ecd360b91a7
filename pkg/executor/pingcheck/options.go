package pingcheck

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of a ping check.
type Options struct {
	Count    int    `json:"count" default:"3" min:"1" max:"50" help:"How many requests to send."`
	Interval string `json:"interval" default:"200ms" example:"1s" help:"Time from one request to the next, 10ms to 10s."`
	Wait     string `json:"wait" default:"1s" example:"500ms" help:"How long to wait for replies after the last request, 10ms to 60s; the check's timeout ends it too."`
	Size     int    `json:"size" default:"56" min:"16" max:"8972" help:"Bytes that a request carries, without headers."`
	TTL      int    `json:"ttl" default:"64" min:"1" max:"255" help:"Most hops to the target."`
	MaxLoss  int    `json:"max_loss" default:"99" min:"0" max:"99" help:"Percentage of requests that may have no reply, else it is a failure. At 99 one reply is enough."`
	WarnLoss int    `json:"warn_loss" default:"99" min:"0" max:"99" help:"Percentage of requests that may have no reply, else a good answer is degraded."`

	route.Options
}

// The bounds of the options that are times; targetCure says what a target is.
const (
	leastTime    = 10 * time.Millisecond
	mostInterval = 10 * time.Second
	mostWait     = time.Minute
	targetCure   = "use a name or an address without a port, such as example.org, 192.0.2.1 or 2001:db8::1"
)

// probe is a prepared check.
type probe struct {
	options        Options
	target         string
	route          route.Route
	interval, wait time.Duration
	open           func(source, to netip.Addr, ttl int) (Link, error)
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	if problem := targetProblem(d.Target); problem != "" && d.Target != "" { // an empty one is reported as missing already
		problems.Add("target", "%s", problem)
	}
	way, more := route.New(o.Options, route.ProxyOptions{})
	problems = append(problems, more...)
	p := &probe{options: o, target: d.Target, route: way}
	p.interval = between(&problems, "options.interval", o.Interval, mostInterval)
	p.wait = between(&problems, "options.wait", o.Wait, mostWait)
	return p, problems
}

// targetProblem says what is wrong with a target, or nothing. It does not quote it, as it may hold
// secrets by then.
func targetProblem(target string) string {
	if strings.Contains(target, "secret://") {
		return ""
	}
	if strings.Contains(target, "://") {
		return "is a URL: " + targetCure
	}
	if endpoint.Problem(net.JoinHostPort(target, "1")) != "" {
		return "is no host: " + targetCure
	}
	return ""
}

// between reads a duration of leastTime to most. An empty text is wrong already.
func between(problems *monitor.Problems, field, text string, most time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if text != "" && (err != nil || d < leastTime || d > most) {
		problems.Add(field, "%q is out of bounds: use %s to %s, such as 500ms", text[:min(len(text), 40)], leastTime, most)
	}
	return d
}
