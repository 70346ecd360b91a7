// Package executor executes checks. Each kind of check has one [Executor], in a folder of its own;
// package kinds is the table of them. An [Engine] runs executions: attempts, retries, assertions,
// grade.
package executor

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/vedette/vedette/pkg/executor/assertion"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/wire"
	"github.com/vedette/vedette/pkg/monitor"
)

// Executor is one kind of check.
type Executor interface {
	Kind() Kind
	// Prepare reads target and options of a definition, nothing else of it, and reports everything
	// wrong with them. The probe may be kept for all checks of the same target and options.
	Prepare(d monitor.Definition) (Probe, monitor.Problems)
}

// Kind describes a kind of check to people and programs.
type Kind struct {
	// Name is what definitions say; Title and Summary are for people.
	Name, Title, Summary string
	// Target says what a target is; Example is one.
	Target, Example string
	// Variables may be used in assertions.
	Variables []assertion.Variable
	// Pushed says that nobody executes these checks: what is watched reports by itself.
	Pushed bool
	// Options is the JSON Schema of the options.
	Options map[string]any
}

// Probe looks at the target once. It is safe for concurrent use.
type Probe interface {
	// Attempt returns by ctx's end, having read no more than a bounded part of what came.
	Attempt(ctx context.Context, tools Tools) Observation
}

// Weigher is a Probe that keeps something from one attempt to the next.
type Weigher interface {
	// Weight is how many bytes that may come to.
	Weight() int
}

// Tools are what an attempt may use of the machine it runs on. Package route dials with them as the
// options of a check say.
type Tools struct {
	// Policy says which addresses may be talked to.
	Policy netguard.Policy
	// Secret puts in the values of the secrets that a text names (ErrSecret).
	Secret func(text string) (string, error)
	// Hide makes a value that the attempt came by, such as a token, a secret to be taken out of what
	// is reported.
	Hide func(value string)
	// Wire takes down what goes over the wire when a definition is tried out; usually nil, which does
	// nothing.
	Wire *wire.Log
}

// Dial connects, but not to addresses that the runner's policy refuses (ErrForbidden).
func (t Tools) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return t.Policy.Dial(ctx, network, address)
}

// Observation is what one attempt saw.
type Observation struct {
	// Values are the variables of assertions.
	Values assertion.Values
	// Body reads what came as it came, for kinds that build on this one; nil where there is none.
	Body func() io.Reader
	// Observed is what the result keeps.
	Observed map[string]any
	// OnFailure returns what the result of a failure keeps besides; nil for nothing. It has clean take
	// secrets out of texts before it cuts them.
	OnFailure func(clean func(string) string) map[string]any
	Timings   *monitor.Timings
	Latency   time.Duration
	// Verdict judges without assertions: empty when the answer is good, else what is wrong with it.
	Verdict string
	// Warning says why a good answer is degraded all the same; empty when it is not.
	Warning string
	// WarnUnless are assertions that have to hold as well, else a good answer is degraded.
	WarnUnless []string
	// Err is why there was no answer. One that wraps ErrForbidden, ErrSecret, ErrSetup or ErrNotYet
	// says that the check itself could not run.
	Err error
}
