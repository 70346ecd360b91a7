package httpcheck

import (
	"net/http"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
	"github.com/vedette/vedette/pkg/executor/secure"
	"github.com/vedette/vedette/pkg/monitor"
)

// Options of an http check. Kinds that ask as this one does embed them.
type Options struct {
	Method  string            `json:"method" example:"GET" group:"Request" help:"Method of the request. Unless given, POST where json, form or graphql is sent, else GET."`
	Headers map[string]string `json:"headers" example:"{\"Accept\": \"application/json\"}" group:"Request" help:"Headers of the request. They do not follow a redirect to another host."`
	Body    string            `json:"body" group:"Request" lines:"true" help:"Body of the request, sent as it is. It does not follow a redirect to another host."`
	JSON    string            `json:"json" title:"JSON" example:"{\"ping\": true}" group:"Request" lines:"true" help:"JSON to send as the body. Secrets in its texts are put in as JSON needs them."`
	Form    map[string]string `json:"form" example:"{\"q\": \"uptime\"}" group:"Request" help:"Fields of a form to send as the body."`
	GraphQL GraphQL           `json:"graphql" title:"GraphQL" group:"Request" help:"A GraphQL query to send as the body."`

	Auth Auth           `json:"auth" title:"Authentication" group:"Authentication" help:"How to log in. It does not follow a redirect to another host."`
	TLS  secure.Options `json:"tls" title:"TLS" group:"TLS" help:"How the server is verified, and this client."`

	FollowRedirects  bool   `json:"follow_redirects" default:"true" group:"Redirects" help:"Whether redirects are followed."`
	MaxRedirects     int    `json:"max_redirects" default:"5" min:"0" max:"20" group:"Redirects" help:"How many redirects are followed before that is a failure."`
	ExpectedLocation string `json:"expected_location" example:"https://www.example.org/" group:"Redirects" help:"URL that redirects have to lead to, be they followed or not; anything else is a failure."`

	HTTPVersion string `json:"http_version" title:"HTTP version" default:"auto" enum:"auto,1.1,2,3" group:"Network" help:"Version of HTTP to ask by. auto is 2 where the server offers it by TLS, else 1.1."`
	route.Options
	route.ProxyOptions

	KeepResponse bool `json:"keep_response" default:"false" group:"Result" help:"Keep the beginning of the answer in results that are failures."`
}

// GraphQL is a query to send.
type GraphQL struct {
	Query     string `json:"query" example:"{ health { status } }" lines:"true" help:"Query to send. Without assertions, errors in the answer are a failure."`
	Variables string `json:"variables" lines:"true" help:"Variables of the query: a JSON object."`
	Operation string `json:"operation" help:"Name of the operation to execute, of a query that has several."`
}

// Auth says how to log in. What is secret is given as secret://name.
type Auth struct {
	Type         string            `json:"type" default:"none" enum:"none,basic,bearer,digest,oauth2" help:"How to log in: by user and password (basic, digest), a token (bearer), or a token that is fetched (oauth2 client credentials)."`
	Username     string            `json:"username" help:"User, for basic and digest."`
	Password     string            `json:"password" help:"Password, for basic and digest: a secret, as secret://name."`
	Token        string            `json:"token" help:"Token, for bearer: a secret, as secret://name."`
	TokenURL     string            `json:"token_url" title:"Token URL" help:"URL that gives out tokens, for oauth2."`
	ClientID     string            `json:"client_id" title:"Client ID" help:"Id of the client, for oauth2."`
	ClientSecret string            `json:"client_secret" help:"Secret of the client, for oauth2: as secret://name."`
	Scopes       []string          `json:"scopes" help:"Scopes to ask for, for oauth2."`
	Parameters   map[string]string `json:"parameters" help:"What else to send to the token URL, for oauth2, such as audience."`
	ClientIn     string            `json:"client_in" default:"header" enum:"header,body" help:"Where to send id and secret of the client, for oauth2."`
}

// probe is a prepared check.
type probe struct {
	options Options
	target  string
	content content
	tls     *secure.Client
	route   route.Route
	tokens  *Tokens
	// plain makes the connections of all attempts that need nothing of their own but their tools; nil
	// where there may be none such.
	plain *http.Transport
	// compress is whether answers may come compressed, which is undone: as with net/http, unless the
	// definition has headers about that, or asks for headers only.
	compress bool
}

func (e Executor) prepare(d monitor.Definition) (executor.Probe, monitor.Problems) {
	var o Options
	problems := option.Decode(d.Options, &o)
	p, more := e.PrepareOptions(d.Target, o)
	return p, append(problems, more...)
}

// PrepareOptions prepares to ask a target, for another kind too whose options embed those of this
// one. The options have been decoded.
func (e Executor) PrepareOptions(target string, o Options) (executor.Probe, monitor.Problems) {
	var problems monitor.Problems
	if target != "" { // reported as missing already
		if problem := targetProblem(target); problem != "" {
			problems.Add("target", "%s", problem)
		}
	}
	p := &probe{target: target, tokens: e.Tokens}
	if p.tokens == nil {
		p.tokens = NewTokens()
	}
	p.content = prepareContent(&problems, o)
	checkRequest(&problems, &o, p.content)
	checkVersion(&problems, target, o)
	checkAuth(&problems, o.Auth)
	var more monitor.Problems
	p.route, more = route.New(o.Options, o.ProxyOptions)
	problems = append(problems, more...)
	p.tls = secure.Prepare(&problems, "options.tls", o.TLS)
	p.plain = p.transportOfAll(o)
	p.compress = o.Method != http.MethodHead && !has(o.Headers, "Accept-Encoding") && !has(o.Headers, "Range")
	p.options = o
	p.options.Body, p.options.JSON, p.options.Form, p.options.GraphQL = "", "", nil, GraphQL{} // the content holds them
	p.options.TLS = secure.Options{SkipVerify: o.TLS.SkipVerify}                               // the client holds the rest
	return p, problems
}
