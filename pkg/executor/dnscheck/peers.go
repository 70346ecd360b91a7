package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/executor"
)

// peers are several servers that have to answer the same.
type peers struct {
	said []said
	// problem says which differ; empty when they agree.
	problem string
}

// said is what one server answered.
type said struct {
	server string
	look   *look
	err    error
}

// compare asks several servers at once. The attempt's answer is that of the first of them that gave
// one, its latency that of the slowest.
func (p *probe) compare(ctx context.Context, tools executor.Tools, servers []string) executor.Observation {
	begun := time.Now()
	all := &peers{said: make([]said, len(servers))}
	var spending budget
	var asking sync.WaitGroup
	for i, server := range servers {
		asking.Go(func() { all.said[i] = p.hear(ctx, tools, server, &spending) })
	}
	asking.Wait()
	latency := time.Since(begun)
	var failed error
	for _, s := range all.said {
		if errors.Is(s.err, executor.ErrForbidden) || errors.Is(s.err, executor.ErrSecret) || errors.Is(s.err, executor.ErrSetup) {
			return executor.Observation{Err: s.err, Latency: latency}
		}
		failed = errors.Join(failed, s.err)
	}
	at := slices.IndexFunc(all.said, func(s said) bool { return s.err == nil })
	if at < 0 {
		return executor.Observation{Err: fmt.Errorf("no server answers: %w", oneLine{failed}), Latency: latency}
	}
	all.problem = all.differences()
	l := *all.said[at].look
	l.latency, l.peers = latency, all
	return p.observation(ctx, &l)
}

func (p *probe) hear(ctx context.Context, tools executor.Tools, server string, b *budget) said {
	c := p.client(tools, p.dialer(tools), server, b)
	defer c.Close()
	a, err := c.ask(ctx, p.own())
	if err != nil {
		return said{server: server, err: err}
	}
	l, err := p.look(a, a.latency)
	return said{server, l, err}
}

// oneLine is an error whose text takes one line.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.ReplaceAll(e.error.Error(), "\n", "; ") }

func (e oneLine) Unwrap() error { return e.error }

// gist is what has to be the same: the code and the records, not how long they may be kept.
func (s said) gist() string {
	switch {
	case s.err != nil:
		return s.err.Error()
	case len(s.look.answers) == 0:
		return rcodeOf(s.look.Msg) + " without records"
	}
	return shortened(s.look.answers)
}

func (s said) key() string {
	if s.err != nil {
		return "\x00" + s.err.Error()
	}
	return strings.ToLower(fmt.Sprint(s.look.Rcode, "\x00", strings.Join(s.look.answers, "\x00")))
}

// differences groups the servers by what they say.
func (p *peers) differences() string {
	var order []string
	groups := make(map[string][]string)
	texts := make(map[string]string)
	failed := false
	for _, s := range p.said {
		key := s.key()
		if groups[key] == nil {
			order = append(order, key)
			texts[key] = s.gist()
		}
		groups[key] = append(groups[key], s.server)
		failed = failed || s.err != nil
	}
	if len(order) == 1 && !failed {
		return ""
	}
	parts := make([]string, len(order))
	for i, key := range order {
		parts[i] = strings.Join(groups[key], " and ") + ": " + texts[key]
	}
	return "the servers differ: " + strings.Join(parts, "; ")
}

func peersVerdict(l *look) string {
	if l.peers == nil {
		return ""
	}
	return l.peers.problem
}

// values is by_server.
func (p *peers) values() map[string]any {
	values := make(map[string]any, len(p.said))
	for _, s := range p.said {
		if s.err != nil {
			values[s.server] = map[string]any{"error": s.err.Error(), "rcode": "", "answers": []string{}, "ttl": 0, "latency_ms": 0.0}
			continue
		}
		values[s.server] = map[string]any{
			"error": "", "rcode": rcodeOf(s.look.Msg), "answers": s.look.answers, "ttl": int(s.look.ttl), "latency_ms": milliseconds(s.look.latency),
		}
	}
	return values
}

// observe keeps of each server what it said, in short.
func (p *peers) observe(observed map[string]any) {
	kept := make(map[string]string, len(p.said))
	for _, s := range p.said {
		kept[s.server] = clip(s.gist())
	}
	observed["by_server"], observed["agree"] = kept, p.problem == ""
}
