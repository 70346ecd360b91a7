// Package dnssec validates what a name server answers: from a trust anchor down the chain of zones
// to the answer or the proof that there is none (RFC 4033 to 4035, 5155, 6840, 9276). It trusts no
// server, asks through whatever it is given, and keeps nothing between validations.
package dnssec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Status is what validation came to (RFC 4033, 5).
type Status string

// The statuses. Insecure means that a zone above says, signed, that what is below is not. Bogus
// means that it should be signed and is not, or wrongly. Indeterminate means that it could not be
// told: no anchor covers the name, or a server did not answer what was needed.
const (
	Secure        Status = "secure"
	Insecure      Status = "insecure"
	Bogus         Status = "bogus"
	Indeterminate Status = "indeterminate"
)

const (
	// maxQueries bounds what is asked for one answer. The longest chains are those of reverse names of
	// IPv6, at a question or two for each of 34 labels.
	maxQueries = 72
	// maxAliases bounds a chain of CNAME and DNAME records.
	maxAliases = 16
	// maxWork bounds what it takes to verify signatures, in bytes of memory that the library uses for it:
	// keys and signatures that collide in number are an attack (CVE-2023-50387).
	maxWork          = 640 << 10
	workPerSignature = 11 << 10
	workPerRecord    = 300
)

// Lookup asks for records with the flags DO, CD and RD, and returns whatever the answer. An error ends
// the validation.
type Lookup func(ctx context.Context, name string, qtype uint16) (*dns.Msg, error)

// Verdict is what validation came to.
type Verdict struct {
	Status Status
	// Reason says in plain words why the status is not secure.
	Reason string
	// Zone is the one that the answer was validated in or found insecure below.
	Zone string
	// Aliases are the names that the name was followed to, in canonical form; what the last of them has
	// is what was judged.
	Aliases []string
	// Expires is when the first of the signatures relied on ends; zero without any.
	Expires time.Time
}

// Validate judges the answer to a question of class IN: every set of records on the way from the
// name over its aliases, or the proof that there is nothing. The error is that of lookup or ctx; whatever
// a server may send is part of the verdict.
func Validate(ctx context.Context, lookup Lookup, anchors Anchors, question dns.Question, reply *dns.Msg, now time.Time) (Verdict, error) {
	v := &validator{ended: ctx.Err, lookup: lookup, anchors: anchors, now: now, zones: make(map[string]*zone), steps: make(map[string]step), hashes: make(map[hashed]string)}
	err := v.answer(ctx, dns.CanonicalName(question.Name), question.Qtype, reply)
	verdict := Verdict{Status: Secure, Zone: v.last, Expires: v.expires, Aliases: v.aliases}
	var found *finding
	if errors.As(err, &found) {
		verdict.Status, verdict.Reason = found.status, found.text
		return verdict, nil
	}
	return verdict, err
}

// validator is one validation.
type validator struct {
	// ended is why ctx has ended, if it has.
	ended   func() error
	lookup  Lookup
	anchors Anchors
	now     time.Time
	// zones are those validated by name; steps are what was found on the way down at each name.
	zones  map[string]*zone
	steps  map[string]step
	hashes map[hashed]string
	// queries and work are what was spent.
	queries, work int
	expires       time.Time
	last          string
	aliases       []string
}

// finding is why something is not secure. Within the package it travels as an error.
type finding struct {
	status Status
	text   string
}

func (f *finding) Error() string { return f.text }

func bogus(format string, args ...any) error { return &finding{Bogus, fmt.Sprintf(format, args...)} }

func insecure(format string, args ...any) error {
	return &finding{Insecure, fmt.Sprintf(format, args...)}
}

func indeterminate(format string, args ...any) error {
	return &finding{Indeterminate, fmt.Sprintf(format, args...)}
}

// ask looks something up within the bound.
func (v *validator) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	v.queries++
	if v.queries > maxQueries {
		return nil, indeterminate("validating takes more than %d questions", maxQueries)
	}
	reply, err := v.lookup(ctx, name, qtype)
	if err != nil {
		return nil, err
	}
	switch reply.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return reply, nil
	case dns.RcodeRefused, dns.RcodeNotAuth:
		return nil, indeterminate("the server refuses to answer %s of %s: name one that resolves for this runner, or give a trust anchor of a zone that it serves", dns.TypeToString[qtype], shown(name))
	}
	return nil, indeterminate("the server answered %s to %s of %s", dns.RcodeToString[reply.Rcode], dns.TypeToString[qtype], shown(name))
}

// shown is a name as texts have it: without the final dot.
func shown(name string) string {
	if len(name) > 1 && name[len(name)-1] == '.' {
		return name[:len(name)-1]
	}
	return name
}
