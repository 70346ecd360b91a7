package grpccheck

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of a grpc check.
type Options struct {
	Service   string            `json:"service" example:"shop.Orders" help:"Service to ask for; without, the server as a whole."`
	Status    string            `json:"status" default:"SERVING" enum:"SERVING,NOT_SERVING,UNKNOWN,SERVICE_UNKNOWN" help:"Status that the answer must be."`
	Metadata  map[string]string `json:"metadata" example:"{\"authorization\": \"Bearer secret://api-token\"}" help:"Metadata to send along."`
	Authority string            `json:"authority" example:"api.example.org" help:"Name under which to ask, instead of the target's host: a proxy may choose by it."`
	TLS       TLS               `json:"tls" help:"How the connection is secured."`

	route.Options
	route.ProxyOptions
}

// TLS says how the connection is secured.
type TLS struct {
	Enabled bool `json:"enabled" default:"false" help:"Connect by TLS."`
	secure.Options
}

// probe is a prepared check.
type probe struct {
	options Options
	target  endpoint.Target
	// tls is nil for a connection without.
	tls *secure.Client
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	target := endpoint.NewTarget(&problems, "tcp", d.Target, o.Options, o.ProxyOptions)
	if !validName(o.Service) {
		problems.Add("options.service", "is no name of a service: use one such as shop.Orders, without spaces")
	}
	if o.Authority != "" && endpoint.Problem(o.Authority) != "" && endpoint.Problem(o.Authority+":1") != "" {
		problems.Add("options.authority", "is no name of a host: use one such as api.example.org, with or without a port")
	}
	checkMetadata(&problems, o.Metadata)
	client := secure.Prepare(&problems, "options.tls", o.TLS.Options)
	if given := o.TLS.CA != "" || o.TLS.Certificate != "" || o.TLS.Key != "" || o.TLS.SkipVerify; given && !o.TLS.Enabled {
		problems.Add("options.tls.enabled", "is false, and there are options of TLS: set it to true, or leave those out")
	}
	if !o.TLS.Enabled {
		client = nil
	}
	o.TLS.Options = secure.Options{} // the client holds them
	return &probe{options: o, target: target, tls: client}, problems
}

func validName(text string) bool {
	const longest = 255
	return len(text) <= longest && utf8.ValidString(text) && !strings.Contains(text, "secret://") &&
		!strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f })
}

func checkMetadata(problems *monitor.Problems, sent map[string]string) {
	const most = 50
	if len(sent) > most {
		problems.Add("options.metadata", "has %d names: use at most %d", len(sent), most)
		return
	}
	names := make([]string, 0, len(sent))
	for name := range sent {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		lower := strings.ToLower(name)
		switch {
		case !validKey(lower):
			problems.Add("options.metadata", "%q is no name: use letters, digits, _, - and .", strings.ToValidUTF8(name[:min(len(name), 80)], ""))
		case strings.HasPrefix(lower, "grpc-") || lower == "content-type" || lower == "te" || lower == "user-agent" || lower == "connection":
			problems.Add("options.metadata."+name, "is set by the runner: leave it out")
		case seen[lower]:
			problems.Add("options.metadata."+name, "is the same name as another: give one of them")
		case !validValue(name, sent[name]):
			problems.Add("options.metadata."+name, "is not of printable ASCII: use letters, digits and signs, or a name that ends in -bin")
		}
		seen[lower] = true
	}
}

// validKey reports whether text can be a name of metadata, in lower case.
func validKey(text string) bool {
	const longest = 100
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.'
	})
}

// validValue reports whether text can be the value of metadata of a name. That of names in -bin goes
// in base64, and may be anything.
func validValue(name, text string) bool {
	const longest = 8 << 10
	if len(text) > longest {
		return false
	}
	return strings.HasSuffix(strings.ToLower(name), "-bin") || !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}
