package natscheck

import (
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// The values of tls.mode: TLS when the server wants it, TLS or nothing, TLS before the server says
// anything.
const (
	tlsAuto     = "auto"
	tlsRequired = "required"
	tlsFirst    = "first"
)

// Options of a nats check.
type Options struct {
	User        string `json:"user" group:"Authentication" help:"User to log in as."`
	Password    string `json:"password" group:"Authentication" help:"Password of the user, as a reference to a secret: secret://nats-password."`
	Token       string `json:"token" group:"Authentication" example:"secret://nats-token" help:"Token to log in with, as a reference to a secret."`
	NKeySeed    string `json:"nkey_seed" group:"Authentication" example:"secret://nats-seed" help:"Seed of the nkey to log in with, as a reference to a secret."`
	Credentials string `json:"credentials" group:"Authentication" example:"secret://nats-creds" help:"Credentials file to log in with, JWT and seed, as a reference to a secret that holds all of it."`
	TLS         TLS    `json:"tls" help:"How the connection is secured."`
	JetStream   bool   `json:"jetstream" group:"JetStream" default:"false" help:"Ask for JetStream of the account, which must be enabled; the variable account tells of it."`
	Domain      string `json:"domain" group:"JetStream" example:"hub" help:"JetStream domain to ask, instead of the server's own."`
	Inbox       string `json:"inbox" group:"JetStream" default:"_INBOX" help:"Subject below which answers come, which the user must be permitted to subscribe to."`
	Stream      string `json:"stream" group:"JetStream" example:"ORDERS" help:"Stream that must be there and have a leader."`
	Consumer    string `json:"consumer" group:"JetStream" help:"Consumer of the stream that must be there."`
	Bucket      string `json:"bucket" group:"JetStream" help:"Key-value bucket to read options.key of."`
	Key         string `json:"key" group:"JetStream" help:"Key of options.bucket that must be readable."`
	MinReplicas int    `json:"min_replicas" group:"JetStream" default:"1" min:"1" max:"5" help:"How many replicas of the stream must be current, its leader among them."`
	Limits      Limits `json:"limits" group:"JetStream" help:"What stream and consumer may have at most."`

	route.Options
	route.ProxyOptions
}

// Limits of a stream and a consumer: -1 for none.
type Limits struct {
	Messages   int `json:"messages" default:"-1" min:"-1" help:"Most messages that the stream may hold; -1 for any number."`
	Bytes      int `json:"bytes" default:"-1" min:"-1" help:"Most bytes that the stream may hold; -1 for any number."`
	Pending    int `json:"pending" default:"-1" min:"-1" help:"Most messages that may wait for the consumer; -1 for any number."`
	AckPending int `json:"ack_pending" default:"-1" min:"-1" help:"Most messages that the consumer may have delivered and not had acknowledged; -1 for any number."`
	WarnAt     int `json:"warn_at" default:"80" min:"1" max:"100" help:"Percentage of a limit, also of the stream's and the account's own, from which on a good answer is degraded."`
}

// TLS says how the connection is secured.
type TLS struct {
	Mode string `json:"mode" default:"auto" enum:"auto,required,first" help:"auto: TLS when the server wants it, so that logins go in plain text to one that does not. required: TLS or failure. first: TLS before the server says anything."`
	secure.Options
}

// probe is a prepared check.
type probe struct {
	options Options
	target  endpoint.Target
	tls     *secure.Client
}

func prepare(d monitor.Definition) (*probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	target := endpoint.NewTarget(&problems, "tcp", d.Target, o.Options, o.ProxyOptions)
	client := secure.Prepare(&problems, "options.tls", o.TLS.Options)
	checkLogin(&problems, o)
	checkNames(&problems, o)
	checkLimits(&problems, o)
	o.TLS.Options = secure.Options{} // the client holds them
	return &probe{options: o, target: target, tls: client}, problems
}

func checkLogin(problems *monitor.Problems, o Options) {
	ways := 0
	for _, way := range []struct {
		field, value string
		secret       bool
	}{
		{"user", o.User, false}, {"token", o.Token, true}, {"nkey_seed", o.NKeySeed, true}, {"credentials", o.Credentials, true},
	} {
		if way.value == "" {
			continue
		}
		if ways++; ways > 1 {
			problems.Add("options."+way.field, "is one way to log in too many: use one of user, token, nkey_seed and credentials")
		} else if way.secret {
			secure.Secret(problems, "options."+way.field, way.value)
		}
	}
	if o.Password != "" && o.User == "" {
		problems.Add("options.password", "is given without a user: set user too")
	} else {
		secure.Secret(problems, "options.password", o.Password)
	}
}

func checkNames(problems *monitor.Problems, o Options) {
	for field, text := range map[string]string{"stream": o.Stream, "consumer": o.Consumer, "domain": o.Domain} {
		const longest = 255
		if len(text) > longest || strings.ContainsAny(text, " \t\r\n\f\x00.*>/\\") {
			problems.Add("options."+field, "is no name: use one such as ORDERS, without spaces and . * > / \\")
		}
	}
	if !regexp.MustCompile(`^[^\s.*>]+(\.[^\s.*>]+)*$`).MatchString(o.Inbox) && o.Inbox != "" {
		problems.Add("options.inbox", "is no subject: use one such as _INBOX or _INBOX.vedette")
	}
	if !regexp.MustCompile(`^[\w-]*$`).MatchString(o.Bucket) {
		problems.Add("options.bucket", "is no name of a bucket: use letters, digits, _ and -")
	}
	if !regexp.MustCompile(`^([\w/=-]+(\.[\w/=-]+)*)?$`).MatchString(o.Key) {
		problems.Add("options.key", "is no key: use letters, digits, _, -, /, = and . in between")
	}
	switch {
	case o.Bucket != "" && o.Key == "":
		problems.Add("options.key", "is missing for the bucket: name the key that is to be read")
	case o.Key != "" && o.Bucket == "":
		problems.Add("options.bucket", "is missing for the key: name the bucket that holds it")
	case o.Consumer != "" && o.Stream == "":
		problems.Add("options.stream", "is missing for the consumer: name the stream that it is of")
	}
}

func checkLimits(problems *monitor.Problems, o Options) {
	for _, limit := range []struct {
		field, of, name string
		value, none     int
	}{
		{"min_replicas", "stream", o.Stream, o.MinReplicas, 1},
		{"limits.messages", "stream", o.Stream, o.Limits.Messages, -1}, {"limits.bytes", "stream", o.Stream, o.Limits.Bytes, -1},
		{"limits.pending", "consumer", o.Consumer, o.Limits.Pending, -1}, {"limits.ack_pending", "consumer", o.Consumer, o.Limits.AckPending, -1},
	} {
		field := "options." + limit.field
		if limit.name == "" && limit.value > limit.none && !reported(*problems, field) {
			problems.Add(field, "is about a %s, and none is named: set %s too", limit.of, limit.of)
		}
	}
}

// reported reports whether a field, or what holds it, was wrong already, so that its value means nothing.
func reported(problems monitor.Problems, field string) bool {
	return slices.ContainsFunc(problems, func(p monitor.Problem) bool { return strings.HasPrefix(field+".", p.Field+".") })
}
