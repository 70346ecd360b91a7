package main

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/bus/jetstream"
	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/api"
	"github.com/vedette/vedette/services/runner"
)

// settings are what the flags of servers say.
type settings struct {
	logLevel, logFormat string
	health              string
	nats                jetstream.Server
	replicas            int
	limits              jetstream.Limits

	// Of the embedded server.
	data, durability             string
	natsListen                   string
	natsPassword, runnerPassword string
	remoteLocations              []string

	http, adminToken string

	location      string
	locations     []string
	concurrency   int
	references    []string
	allow, deny   []netip.Prefix
	secretsDir    string
	shutdownGrace time.Duration
	apiPrefix     string
	inboxPrefix   string
}

// The values of --durability.
const (
	durabilityAlways  = "always"
	durabilityRelaxed = "relaxed"
)

func (s *settings) logFlags(f *pflag.FlagSet) {
	chooseVar(f, &s.logLevel, "log-level", "", "info", "least level of the log", process.LogLevels())
	chooseVar(f, &s.logFormat, "log-format", "", "text", "form of the log", process.LogFormats())
}

func (s *settings) healthFlag(f *pflag.FlagSet) {
	f.StringVar(&s.health, "health", "", "serve /healthz, /readyz and /metrics on this address, such as 127.0.0.1:8081; off if not given")
}

func (s *settings) natsFlags(f *pflag.FlagSet, byDefault string) {
	f.StringVar(&s.nats.URL, "nats-url", byDefault, "NATS servers to connect to, separated by commas")
	f.StringVar(&s.nats.Creds, "creds", "", "credentials file for NATS")
	f.StringVar(&s.nats.User, "user", "", "user for NATS")
	f.StringVar(&s.nats.Password, "password", "", "password for NATS")
	f.StringVar(&s.nats.Token, "nats-token", "", "token for NATS")
	f.StringVar(&s.nats.CA, "nats-ca", "", "certificates, PEM, by which NATS is trusted, instead of the system's")
	f.StringVar(&s.nats.Cert, "nats-cert", "", "certificate, PEM, to show to NATS")
	f.StringVar(&s.nats.Key, "nats-key", "", "key, PEM, of --nats-cert")
}

// topologyFlags are those of everyone that makes streams. They are to be the same for all.
func (s *settings) topologyFlags(f *pflag.FlagSet) {
	f.IntVar(&s.replicas, "replicas", 1, "copies of each stream in a cluster, 1 to 5; the same for every process")
	f.Var(size{&s.limits.Events}, "max-events", "size of the event log at which changes are refused; the same for every process (default 16GiB, less where there is little room)")
	f.Var(size{&s.limits.Results}, "max-results", "size of the results at which the oldest go; the same for every process (default 32GiB, less where there is little room)")
	f.DurationVar(&s.limits.ResultsAge, "results-age", 30*24*time.Hour, "age at which results go; the same for every process")
}

func (s *settings) embeddedFlags(f *pflag.FlagSet) {
	f.StringVar(&s.data, "data", "", "folder of all data (default $XDG_STATE_HOME/vedette, or ~/.local/state/vedette)")
	chooseVar(f, &s.durability, "durability", "", durabilityAlways,
		"when writes reach the disk: always before they are acknowledged; relaxed, once a second", []string{durabilityAlways, durabilityRelaxed})
	f.StringVar(&s.natsListen, "nats-listen", "", "let other processes connect to the embedded NATS server here, such as 127.0.0.1:4222")
	f.StringVar(&s.natsPassword, "nats-password", "", "password of the user vedette of the embedded NATS server")
	f.StringVar(&s.runnerPassword, "nats-runner-password", "", "password of the users runner-LOCATION of the embedded NATS server")
	f.StringSliceVar(&s.remoteLocations, "remote-location", nil, "location whose runners connect from elsewhere; repeat for several")
}

func (s *settings) apiFlags(f *pflag.FlagSet) {
	f.StringVar(&s.http, "http", api.DefaultAddress, "address of API and web interface; one that is not loopback needs --admin-token")
	f.StringVar(&s.adminToken, "admin-token", "", "token that clients must show; better given as VEDETTE_ADMIN_TOKEN")
}

func (s *settings) schedulerFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&s.locations, "location", []string{monitor.DefaultLocation}, "location whose runners may wait for work before a check names it; repeat for several")
}

func (s *settings) runnerFlags(f *pflag.FlagSet) {
	f.StringVar(&s.location, "location", monitor.DefaultLocation, "where the runner is: it executes the checks of that location")
	f.IntVar(&s.concurrency, "concurrency", runner.DefaultConcurrency, "checks executed at once, 1 to 4096")
	f.StringSliceVar(&s.references, "reference", nil, "host:port that answers whenever there is a network; when none does, failures are not believed; repeat for several")
	f.Var(networks{&s.deny}, "deny", "address range that checks must not reach; repeat for several")
	f.Var(networks{&s.allow}, "allow", "address range that they may reach within a denied one; repeat for several")
	f.StringVar(&s.secretsDir, "secrets-dir", "", "folder with a file for each secret")
	f.DurationVar(&s.shutdownGrace, "shutdown-grace", runner.DefaultShutdownGrace, "time for executions in hand when stopping")
}

// remoteFlags are those of a runner that connects by itself.
func (s *settings) remoteFlags(f *pflag.FlagSet) {
	f.StringVar(&s.apiPrefix, "nats-api-prefix", "", "what the runner's account calls $JS.API (default JSAPP.API for --user runner-LOCATION)")
	f.StringVar(&s.inboxPrefix, "nats-inbox-prefix", "", "what the runner's account calls _INBOX (default _INBOX_RUNNER for --user runner-LOCATION)")
}

// logger returns the log that the flags ask for.
func (s *settings) logger(p Program) (*slog.Logger, error) {
	file, ok := p.Err.(*os.File)
	watched := ok && isatty.IsTerminal(file.Fd())
	return process.NewLogger(p.Err, s.logFormat, s.logLevel, watched)
}

// dataFolder is where the flags or the conventions of the system put the data (XDG Base Directory
// Specification: state that is to outlive restarts).
func (s *settings) dataFolder(env func(string) (string, bool)) (string, error) {
	if s.data != "" {
		return filepath.Abs(s.data)
	}
	if state, ok := env("XDG_STATE_HOME"); ok && filepath.IsAbs(state) {
		return filepath.Join(state, "vedette"), nil
	}
	if home, ok := env("HOME"); ok && home != "" {
		return filepath.Join(home, ".local", "state", "vedette"), nil
	}
	return "", errors.New("there is no home folder for the data: name a folder with --data")
}
