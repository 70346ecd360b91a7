package executor

import (
	"errors"

	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/secrets"
)

// The errors by which a check could not run: its outcome is error, never down.
var (
	// ErrForbidden: the runner's network policy refuses the address.
	ErrForbidden = netguard.ErrForbidden
	// ErrSecret: a secret is not known to the runner.
	ErrSecret = secrets.ErrUnknown
	// ErrNotYet: the check compares with what was seen before, and nothing was.
	ErrNotYet = errors.New("there is nothing to compare with yet")
	// ErrSetup: the runner lacks something that the check needs, such as a system resolver.
	ErrSetup = errors.New("the runner is not set up for this")
)
