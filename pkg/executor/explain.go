package executor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// Explain puts an error of the network into plain words, keeping what it wraps. during says what
// was going on: "while connecting".
func Explain(err error, during string) error {
	if text := explain(err, during); text != "" {
		return &explained{text, err}
	}
	return err
}

type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }

func (e *explained) Unwrap() error { return e.err }

func explain(err error, during string) string {
	var (
		lookup      *net.DNSError
		hostname    x509.HostnameError
		unknown     x509.UnknownAuthorityError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		timeout     net.Error
		forbidden   = errors.Is(err, ErrForbidden)
		contextOver = errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	)
	switch {
	case forbidden:
		return innermost(err)
	case contextOver:
		return "timed out " + during
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return fmt.Sprintf("no such host: %s", lookup.Name)
	case errors.As(err, &lookup):
		return fmt.Sprintf("the host %s cannot be looked up: %s", lookup.Name, lookup.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused" + by(err)
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset " + during
	case errors.Is(err, syscall.EPIPE):
		return "connection closed " + during
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the host" + by(err)
	case errors.As(err, &hostname):
		return "certificate: " + hostname.Error()
	case errors.As(err, &unknown):
		return "certificate: signed by an authority that is not trusted"
	case errors.As(err, &invalid):
		return "certificate: " + invalid.Error()
	case errors.As(err, &record):
		return "the server does not speak TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed " + during
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out " + during
	}
	return ""
}

// by names the address that was tried.
func by(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return ": " + op.Addr.String()
	}
	return ""
}

// innermost is the text of the error below the operations that wrap it.
func innermost(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}
