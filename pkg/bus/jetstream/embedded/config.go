package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Config configures an embedded server.
type Config struct {
	// Dir is the data folder. It is made when it does not exist, and used by one server at a time.
	Dir string
	// Listen is the address for clients of other processes, "127.0.0.1:4222"; empty for none. One
	// that is not loopback needs Password.
	Listen string
	// Password is asked of clients of other processes for the user vedette; RunnerPassword for the
	// users runner-<location>. Without a password clients on loopback need none.
	Password, RunnerPassword string
	// Locations get an account for their runners each.
	Locations []string
	// Relaxed syncs once a second instead of before every acknowledgement.
	Relaxed bool
	Log     *slog.Logger
}

// Users of the server.
const appUser = "vedette"

// RunnerUser is the user of a location's runners.
func RunnerUser(location string) string { return "runner-" + location }

// RunnerAPIPrefix and RunnerInboxPrefix are how a runner's account knows what it imports.
const (
	RunnerAPIPrefix   = "JSAPP.API"
	RunnerInboxPrefix = "_INBOX_RUNNER"
)

func (c Config) validate() error {
	var p monitor.Problems
	if c.Dir == "" {
		p.Add("data", "is required: name a folder")
	}
	for _, location := range c.Locations {
		if !monitor.ValidID(location) {
			p.Add("location", "%q: use 1 to 64 characters of a-z, 0-9, _ and -", location)
		}
	}
	if c.Listen != "" {
		host, _, err := net.SplitHostPort(c.Listen)
		switch {
		case err != nil:
			p.Add("nats-listen", "%v: use host:port, such as 127.0.0.1:4222", err)
		case !loopback(host) && (c.Password == "" || c.RunnerPassword == ""):
			p.Add("nats-listen", "%s can be reached from other machines: set --nats-password and --nats-runner-password, or listen on 127.0.0.1", c.Listen)
		}
	}
	return p.Err()
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// secrets are the passwords in force: those configured, or ones that nobody knows.
type secrets struct{ app, runner string }

func (c Config) secrets() secrets {
	s := secrets{c.Password, c.RunnerPassword}
	if s.app == "" {
		s.app = rand.Text()
	}
	if s.runner == "" {
		s.runner = rand.Text()
	}
	return s
}

// accounts writes the server's accounts. Vedette's own holds JetStream. Each location has one
// without it, which imports the only three things that its runners may do: pull from their queue,
// acknowledge, and report to the gate. A client that shares an account with JetStream could do more
// than its permissions say, which is why permissions alone are not relied on.
func (c Config) accounts(s secrets) string {
	var exports, runners strings.Builder
	for _, location := range c.Locations {
		account := "RUNNER_" + location
		durable := "x-" + location
		next := "$JS.API.CONSUMER.MSG.NEXT.EXECUTIONS." + durable
		info := "$JS.API.CONSUMER.INFO.EXECUTIONS." + durable
		ack := "$JS.ACK.EXECUTIONS." + durable + ".>"
		ingest := "vedette.ingest." + location
		fmt.Fprintf(&exports, `
      {service: %q, response_type: stream, accounts: [%q]}
      {service: %q, accounts: [%q]}
      {service: %q, accounts: [%q]}
      {service: %q, accounts: [%q]}`, next, account, info, account, ack, account, ingest, account)
		fmt.Fprintf(&runners, `
  %q: {
    users: [{user: %q, password: %q, allowed_connection_types: ["STANDARD", "IN_PROCESS"], permissions: {
      publish: [%q, %q, %q, %q]
      subscribe: [%q]
    }}]
    imports: [
      {service: {account: VEDETTE, subject: %q}, to: %q}
      {service: {account: VEDETTE, subject: %q}, to: %q}
      {service: {account: VEDETTE, subject: %q}}
      {service: {account: VEDETTE, subject: %q}, share: true}
    ]
  }`, account, RunnerUser(location), s.runner,
			renamed(next), renamed(info), ack, ingest, RunnerInboxPrefix+".>",
			next, renamed(next), info, renamed(info), ack, ingest)
	}
	return fmt.Sprintf(`
accounts: {
  VEDETTE: {
    jetstream: enabled
    users: [{user: %q, password: %q}]
    exports: [%s
    ]
  }%s
}
%s`, appUser, s.app, exports.String(), runners.String(), c.anyone())
}

// renamed is an API subject as a runner's account knows it.
func renamed(subject string) string {
	return RunnerAPIPrefix + strings.TrimPrefix(subject, "$JS.API")
}

// anyone lets clients on loopback in without a password where none is set.
func (c Config) anyone() string {
	if c.Listen == "" || c.Password != "" {
		return ""
	}
	return "no_auth_user: " + appUser
}

// port splits Listen; it was validated.
func (c Config) port() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	if err == nil && port == 0 {
		port = -1 // any free one, as NATS has it
	}
	return host, port, err
}

// ErrInUse: another process uses the data folder.
var ErrInUse = errors.New("data folder is in use by another process")
