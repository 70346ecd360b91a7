// Package kinds is the table of the kinds of checks: one line each.
package kinds

import (
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/grpccheck"
	"github.com/vedette/vedette/pkg/executor/heartbeatcheck"
	"github.com/vedette/vedette/pkg/executor/httpcheck"
	"github.com/vedette/vedette/pkg/executor/jsoncheck"
	"github.com/vedette/vedette/pkg/executor/metricscheck"
	"github.com/vedette/vedette/pkg/executor/natscheck"
	"github.com/vedette/vedette/pkg/executor/pingcheck"
	"github.com/vedette/vedette/pkg/executor/tcpcheck"
	"github.com/vedette/vedette/pkg/executor/tlscheck"
	"github.com/vedette/vedette/pkg/executor/udpcheck"
)

// All returns an executor of every kind.
func All() []executor.Executor {
	web := httpcheck.Executor{Tokens: httpcheck.NewTokens()}
	return []executor.Executor{
		web,
		jsoncheck.Executor{Web: web},
		metricscheck.Executor{Web: web},
		dnscheck.New("/etc/resolv.conf", "/etc/hosts"),
		tcpcheck.Executor{},
		tlscheck.Executor{},
		udpcheck.Executor{},
		pingcheck.Executor{},
		grpccheck.Executor{},
		natscheck.Executor{},
		heartbeatcheck.Executor{},
	}
}

// Table returns the table of all kinds.
func Table() (*executor.Table, error) { return executor.NewTable(All()...) }
