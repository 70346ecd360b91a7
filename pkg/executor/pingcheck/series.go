package pingcheck

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/vedette/vedette/pkg/executor"
)

// Link sends messages of ICMP to one address, and reads those that come, of which some may be others'.
type Link interface {
	// Write sends a message.
	Write(message []byte) error
	// Read returns a message, whence it came and how many hops it had left, 0 if that is not known; a
	// net.Error of a timeout at the deadline.
	Read(buffer []byte) (n, ttl int, from string, err error)
	// To is the address written to, as Read would tell it.
	To() string
	SetReadDeadline(at time.Time) error
	Close() error
}

// series is some requests, one after the other, and what came back. The library pro-bing is not used
// as it waits up to 0.1 s longer than it was told to, and for ever where a route prohibits sending.
type series struct {
	link Link
	six  bool
	// id tells the requests of one program from another's, payload those of one series.
	id         int
	payload    []byte
	requests   []request
	count      int
	received   int
	duplicates int
	ttl        int
	// unreachable is what a machine in between said of a request.
	unreachable string
}

// request is one that was sent; rtt is how long its reply took.
type request struct {
	sent     time.Time
	rtt      time.Duration
	answered bool
}

func newSeries(l Link, six bool, count, size int) *series {
	s := &series{link: l, six: six, count: count, payload: make([]byte, size)}
	_, _ = rand.Read(s.payload) // it cannot fail
	s.id = int(binary.BigEndian.Uint16(s.payload))
	return s
}

// run sends the requests at an interval, and then waits for what is outstanding. An error is that of
// sending the first one, in plain words; when ctx ends, what was learned so far is all.
func (s *series) run(ctx context.Context, interval, wait time.Duration) error {
	const room = 256 // for headers, and for what others send
	buffer := make([]byte, len(s.payload)+room)
	stop := context.AfterFunc(ctx, func() { _ = s.link.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	next := time.Now()
	for ctx.Err() == nil {
		if now := time.Now(); !now.Before(next) {
			if len(s.requests) == s.count {
				return nil
			}
			if err := s.send(now); err != nil && len(s.requests) == 1 {
				return err
			}
			next = now.Add(interval)
			if len(s.requests) == s.count {
				next = now.Add(wait)
			}
		}
		if err := s.receive(ctx, buffer, next); err != nil {
			return err
		}
		if s.received == s.count {
			return nil
		}
	}
	return nil
}

// send sends the next request. One that cannot be sent has no reply, as any other that is lost.
func (s *series) send(now time.Time) error {
	message := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: s.id, Seq: len(s.requests), Data: s.payload}}
	if s.six {
		message.Type = ipv6.ICMPTypeEchoRequest
	}
	raw, err := message.Marshal(nil) // of ICMPv6, the system knows the checksum
	if err != nil {
		return fmt.Errorf("%w: %w", executor.ErrSetup, err)
	}
	s.requests = append(s.requests, request{sent: now})
	return s.link.Write(raw)
}

// receive takes what comes until a time, or until all is there.
func (s *series) receive(ctx context.Context, buffer []byte, until time.Time) error {
	if err := s.link.SetReadDeadline(until); err != nil {
		return fmt.Errorf("%w: %w", executor.ErrSetup, err)
	}
	for s.received < s.count && ctx.Err() == nil { // whose end may have set a deadline before the one here
		n, ttl, from, err := s.link.Read(buffer)
		var network net.Error
		switch {
		case errors.As(err, &network) && network.Timeout():
			return nil
		case err != nil:
			return executor.Explain(err, "while waiting for replies")
		}
		s.take(buffer[:n], ttl, from, time.Now())
		if !time.Now().Before(until) {
			return nil
		}
	}
	return nil
}

// take takes one message that came. What is not a reply to a request of these is left alone: raw
// sockets hear what is meant for others too.
func (s *series) take(raw []byte, ttl int, from string, now time.Time) {
	const protocol4, protocol6 = 1, 58
	protocol := protocol4
	if s.six {
		protocol = protocol6
	}
	message, err := icmp.ParseMessage(protocol, raw)
	if err != nil {
		return
	}
	switch body := message.Body.(type) {
	case *icmp.Echo:
		reply := message.Type == ipv4.ICMPTypeEchoReply || message.Type == ipv6.ICMPTypeEchoReply
		if !reply || from != s.link.To() || body.Seq >= len(s.requests) || !bytes.Equal(body.Data, s.payload) {
			return
		}
		r := &s.requests[body.Seq]
		if r.answered {
			s.duplicates++
			return
		}
		r.answered, r.rtt = true, now.Sub(r.sent)
		s.received++
		s.ttl = ttl
	case *icmp.DstUnreach:
		s.returned(body.Data, from+" answered that it cannot be reached")
	case *icmp.TimeExceeded:
		s.returned(body.Data, from+" answered that it is too many hops away")
	}
}

// returned notes why a message came back, if that was one of the requests.
func (s *series) returned(datagram []byte, why string) {
	if echo := echoIn(datagram, s.six); echo != nil && int(binary.BigEndian.Uint16(echo[4:])) == s.id {
		s.unreachable = why
	}
}

// echoIn returns the beginning of the echo request that a datagram begins with, its header of 8
// bytes; nil when there is none.
func echoIn(datagram []byte, six bool) []byte {
	const echoHeader, header4, header6, type4, type6 = 8, 20, 40, 8, 128
	start, kind := header6, byte(type6)
	if !six {
		if len(datagram) < header4 {
			return nil
		}
		start, kind = int(datagram[0]&0x0f)<<2, type4
	}
	if start < header4 || len(datagram) < start+echoHeader || datagram[start] != kind {
		return nil
	}
	return datagram[start : start+echoHeader]
}

// totals are the figures of a series.
type totals struct {
	sent, received                       int
	loss                                 float64
	least, mean, most, deviation, jitter time.Duration
}

func (s *series) totals() totals {
	t := totals{sent: len(s.requests), received: s.received}
	if t.sent > 0 {
		t.loss = 100 * float64(t.sent-t.received) / float64(t.sent)
	}
	var times []time.Duration
	var sum, squares, steps float64
	for _, r := range s.requests {
		if !r.answered {
			continue
		}
		if len(times) == 0 || r.rtt < t.least {
			t.least = r.rtt
		}
		t.most = max(t.most, r.rtt)
		sum += float64(r.rtt)
		if len(times) > 0 {
			steps += math.Abs(float64(r.rtt - times[len(times)-1]))
		}
		times = append(times, r.rtt)
	}
	if len(times) == 0 {
		return t
	}
	n := float64(len(times))
	t.mean = time.Duration(sum / n)
	for _, rtt := range times {
		squares += math.Pow(float64(rtt)-sum/n, 2)
	}
	t.deviation = time.Duration(math.Sqrt(squares / n))
	if len(times) > 1 {
		t.jitter = time.Duration(steps / (n - 1))
	}
	return t
}
