package dnscheck

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/monitor"
)

// answer is what a server said.
type answer struct {
	*dns.Msg
	server string
	// transport is by what it came: udp, tcp, dot or doh.
	transport string
	timings   *monitor.Timings
	latency   time.Duration
	tls       *tls.ConnectionState
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// client asks one server, by one connection where the transport keeps one. It is not safe for
// concurrent use. Close it.
type client struct {
	p         *probe
	tools     executor.Tools
	dial      dialer
	server    string
	transport string
	budget    *budget
	stream    *stream
	web       *web
}

func (p *probe) client(tools executor.Tools, dial dialer, server string, b *budget) *client {
	return &client{p: p, tools: tools, dial: dial, server: server, transport: p.options.Transport, budget: b}
}

// Close ends the connections that are kept.
func (c *client) Close() {
	if c.stream != nil {
		_ = c.stream.Close()
		c.stream = nil
	}
	if c.web != nil {
		c.web.close()
	}
}

// ask asks a question, by TCP when the answer does not fit into a datagram. The error is in plain
// words, of the runner's own faults one that says so.
func (c *client) ask(ctx context.Context, q question) (answer, error) {
	if err := c.budget.ask(); err != nil {
		return answer{}, err
	}
	begun := time.Now()
	query := c.p.message(q)
	a, err := c.exchange(ctx, query, c.transport)
	if err == nil && a.Truncated && c.transport == byUDP {
		a, err = c.exchange(ctx, query, byTCP)
	}
	a.server, a.latency = c.server, time.Since(begun)
	return a, err
}

// tries by UDP are made where one question is of many: a datagram may get lost among so many.
const tries = 2

// patiently asks again when a datagram may have got lost.
func (c *client) patiently(ctx context.Context, q question) (answer, error) {
	if c.transport != byUDP {
		return c.ask(ctx, q)
	}
	for try := 1; ; try++ {
		// One share is for what follows.
		a, err := c.within(ctx, q, tries-try+2)
		if err == nil || ctx.Err() != nil || try == tries || !timedOut(err) {
			return a, err
		}
	}
}

// within asks in a share of the time that is left, one of so many.
func (c *client) within(ctx context.Context, q question, shares int) (answer, error) {
	if deadline, ok := ctx.Deadline(); ok && shares > 1 {
		bounded, cancel := context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
		ctx = bounded
	}
	return c.ask(ctx, q)
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

func (c *client) exchange(ctx context.Context, query *dns.Msg, transport string) (a answer, err error) {
	if c.tools.Wire != nil {
		c.tools.Wire.Sent("to " + c.server + " by " + transport + "\n" + query.String())
		defer func() {
			if a.Msg != nil {
				c.tools.Wire.Received("from " + c.server + "\n" + a.Msg.String())
			}
		}()
	}
	var raw []byte
	switch transport {
	case byUDP:
		raw, a, err = c.byDatagram(ctx, query)
	case byDoH:
		raw, a, err = c.byWeb(ctx, query)
	default:
		raw, a, err = c.byStream(ctx, query, transport == byDoT)
	}
	if err != nil {
		return answer{}, err
	}
	a.transport = transport
	reply, err := c.budget.read(raw)
	if err != nil {
		return answer{}, fmt.Errorf("the answer of %s cannot be read: %w", c.server, err)
	}
	if problem := foreign(query, reply); problem != "" {
		return answer{}, fmt.Errorf("what %s sent is no answer: %s", c.server, problem)
	}
	a.Msg = reply
	return a, nil
}

// ending has a connection end with ctx.
func ending(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// failed puts an error of the network into plain words.
func (c *client) failed(ctx context.Context, err error, during string) error {
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	return executor.Explain(err, during+c.server)
}

const (
	connecting = "while connecting to "
	waiting    = "while waiting for the answer of "
)

// byDatagram sends a query and waits for the datagram with its number: others may be answers to those
// that were given up.
func (c *client) byDatagram(ctx context.Context, query *dns.Msg) ([]byte, answer, error) {
	raw, err := query.Pack()
	if err != nil {
		return nil, answer{}, fmt.Errorf("the question cannot be put: %w", err)
	}
	conn, err := c.dial(ctx, "udp", c.server)
	if err != nil {
		return nil, answer{}, c.failed(ctx, err, connecting)
	}
	defer func() { _ = conn.Close() }()
	defer ending(ctx, conn)()
	begun := time.Now()
	if _, err := conn.Write(raw); err != nil {
		return nil, answer{}, c.failed(ctx, err, waiting)
	}
	buffer := make([]byte, c.p.options.EDNS.Size)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, answer{}, c.failed(ctx, err, waiting)
		}
		if n < 2 || binary.BigEndian.Uint16(buffer) == query.Id {
			return buffer[:n], answer{timings: &monitor.Timings{FirstByte: milliseconds(time.Since(begun))}}, nil
		}
	}
}

// stream is a connection that carries one message after another, each behind its length.
type stream struct {
	net.Conn
	steps monitor.Timings
	tls   *tls.ConnectionState
}

// byStream asks over the connection that is there, or over another one when the server has closed
// that meanwhile.
func (c *client) byStream(ctx context.Context, query *dns.Msg, secure bool) ([]byte, answer, error) {
	raw, err := query.Pack()
	if err != nil {
		return nil, answer{}, fmt.Errorf("the question cannot be put: %w", err)
	}
	for {
		kept := c.stream != nil
		if !kept {
			if c.stream, err = c.connect(ctx, secure); err != nil {
				return nil, answer{}, err
			}
		}
		steps := c.stream.steps
		c.stream.steps = monitor.Timings{} // the next question finds the connection made
		begun := time.Now()
		reply, err := c.stream.exchange(ctx, raw)
		if err == nil && binary.BigEndian.Uint16(reply) != query.Id {
			return nil, answer{}, fmt.Errorf("what %s sent is no answer: it has another number than the question", c.server)
		}
		if err == nil {
			steps.FirstByte = milliseconds(time.Since(begun))
			return reply, answer{timings: &steps, tls: c.stream.tls}, nil
		}
		_ = c.stream.Close()
		c.stream = nil
		if ctx.Err() == nil && kept && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
			continue
		}
		if errors.Is(err, dns.ErrShortRead) {
			return nil, answer{}, fmt.Errorf("the answer of %s cannot be read: %w", c.server, err)
		}
		return nil, answer{}, c.failed(ctx, err, waiting)
	}
}

func (c *client) connect(ctx context.Context, secure bool) (*stream, error) {
	begun := time.Now()
	conn, err := c.dial(ctx, "tcp", c.server)
	if err != nil {
		return nil, c.failed(ctx, err, connecting)
	}
	s := &stream{Conn: conn, steps: monitor.Timings{Connect: milliseconds(time.Since(begun))}}
	if !secure {
		return s, nil
	}
	begun = time.Now()
	host, _, _ := net.SplitHostPort(c.server) // looked at already
	config, err := c.p.secure.Config(c.tools, host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	config.NextProtos = []string{"dot"} // RFC 7858 as IANA registered it
	shaken := tls.Client(conn, config)
	if err := shaken.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, c.failed(ctx, err, "during the TLS handshake with ")
	}
	state := shaken.ConnectionState()
	s.Conn, s.tls, s.steps.TLS = shaken, &state, milliseconds(time.Since(begun))
	return s, nil
}

// exchange sends one message and reads one, of 64 KiB at most.
func (s *stream) exchange(ctx context.Context, raw []byte) ([]byte, error) {
	defer ending(ctx, s)()
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, len(raw)+2), uint16(len(raw)))
	if _, err := s.Write(append(framed, raw...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(s, length[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint16(length[:]))
	if len(reply) < headerSize {
		return nil, dns.ErrShortRead
	}
	_, err := io.ReadFull(s, reply)
	return reply, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
