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
	// ErrSetup: the runner lacks something that the check needs, such as a system resolver.
	ErrSetup = errors.New("the runner is not set up for this")
)
