package cli

import (
	"context"
	"errors"

	"github.com/vedette/vedette/services/vedette/client"
	"github.com/vedette/vedette/services/vedette/declare"
)

// The exit codes.
const (
	ExitOK = iota
	// ExitFailed: it could not be done, or a check that was run failed.
	ExitFailed
	// ExitUsage: the command line is wrong.
	ExitUsage
	// ExitNotFound: what was named does not exist.
	ExitNotFound
	// ExitRefused: the server refuses what was asked: a bad definition, a taken id, a missing token.
	ExitRefused
)

// ExitHelp explains the exit codes to people.
const ExitHelp = `Exit codes:
  0  done
  1  failed, or the check that was run failed
  2  the command line is wrong
  3  not found
  4  refused by the server: a bad definition, a taken id, a conflict, a missing token`

// UsageError says that the command line is wrong.
type UsageError struct{ Err error }

// Error is that of what it wraps.
func (e UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e UsageError) Unwrap() error { return e.Err }

// ErrOutcome: a check that was run failed. What there is to say has been written.
var ErrOutcome = errors.New("the check failed")

// ExitCode is the code with which a program that ends with err exits.
func ExitCode(err error) int {
	var (
		usage   UsageError
		problem *client.Problem
		invalid *declare.InvalidError
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &problem) && problem.NotFound():
		return ExitNotFound
	case errors.As(err, &problem) && problem.Refused(), errors.As(err, &invalid):
		return ExitRefused
	default:
		return ExitFailed
	}
}

// Silent reports whether there is nothing to say about err.
func Silent(err error) bool {
	return errors.Is(err, ErrOutcome) || errors.Is(err, ErrDamaged) || errors.Is(err, context.Canceled)
}
