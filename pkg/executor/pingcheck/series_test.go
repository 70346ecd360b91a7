package pingcheck

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const target = "192.0.2.1"

// heard is a message that came.
type heard struct {
	from string
	raw  []byte
}

// wire is a link on which an answerer says what comes back to each request, and after how long.
type wire struct {
	answer func(sequence int, request icmp.Echo, say func(after time.Duration, h heard)) error
	six    bool

	mu       sync.Mutex
	sent     int
	deadline time.Time
	moved    chan struct{}
	coming   chan heard
	saying   sync.WaitGroup
}

func (w *wire) Write(raw []byte) error {
	protocol := ipv4.ICMPTypeEchoReply.Protocol()
	if w.six {
		protocol = ipv6.ICMPTypeEchoReply.Protocol()
	}
	message, err := icmp.ParseMessage(protocol, raw)
	if err != nil {
		return err
	}
	w.sent++
	return w.answer(w.sent-1, *message.Body.(*icmp.Echo), func(after time.Duration, h heard) {
		w.saying.Go(func() {
			time.Sleep(after)
			w.coming <- h
		})
	})
}

func (w *wire) SetReadDeadline(at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = at
	close(w.moved)
	w.moved = make(chan struct{})
	return nil
}

func (w *wire) Read(buffer []byte) (n, ttl int, from string, err error) {
	for {
		w.mu.Lock()
		timer, moved := time.NewTimer(time.Until(w.deadline)), w.moved
		w.mu.Unlock()
		select {
		case h := <-w.coming:
			timer.Stop()
			return copy(buffer, h.raw), 57, h.from, nil
		case <-timer.C:
			return 0, 0, "", os.ErrDeadlineExceeded
		case <-moved:
			timer.Stop()
		}
	}
}

func (w *wire) To() string   { return target }
func (w *wire) Close() error { return nil }

func message(t *testing.T, kind icmp.Type, body icmp.MessageBody) []byte {
	t.Helper()
	raw, err := (&icmp.Message{Type: kind, Body: body}).Marshal(nil)
	require.NoError(t, err)
	return raw
}

// run runs a series in virtual time, and returns it and how long it took.
func run(t *testing.T, six bool, count int, timeout time.Duration, answer func(sequence int, request icmp.Echo, say func(time.Duration, heard)) error) (s *series, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const enough = 1000
		w := &wire{answer: answer, six: six, moved: make(chan struct{}), coming: make(chan heard, enough)}
		s = newSeries(w, six, count, 56)
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		begun := time.Now()
		err = s.run(ctx, 200*time.Millisecond, time.Second)
		took = time.Since(begun)
		w.saying.Wait()
	})
	return s, took, err
}

func TestRepliesAreCountedAndTimed(t *testing.T) {
	for _, six := range []bool{false, true} {
		var kind icmp.Type = ipv4.ICMPTypeEchoReply
		if six {
			kind = ipv6.ICMPTypeEchoReply
		}
		s, took, err := run(t, six, 3, time.Minute, func(sequence int, request icmp.Echo, say func(time.Duration, heard)) error {
			say([]time.Duration{10 * time.Millisecond, 40 * time.Millisecond, 25 * time.Millisecond}[sequence], heard{target, message(t, kind, &request)})
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 425*time.Millisecond, took, "no longer than the last reply takes")
		got := s.totals()
		require.Equal(t, 3, got.sent)
		require.Equal(t, 3, got.received)
		require.Zero(t, got.loss)
		require.Equal(t, []time.Duration{10 * time.Millisecond, 25 * time.Millisecond, 40 * time.Millisecond}, []time.Duration{got.least, got.mean, got.most})
		require.InDelta(t, float64(15*time.Millisecond)*math.Sqrt(2.0/3), float64(got.deviation), 1000)
		require.Equal(t, 22500*time.Microsecond, got.jitter)
		require.Equal(t, 57, s.ttl)
	}
}

func TestSilenceIsWaitedOut(t *testing.T) {
	silent := func(int, icmp.Echo, func(time.Duration, heard)) error { return nil }
	s, took, err := run(t, false, 3, time.Minute, silent)
	require.NoError(t, err)
	require.Equal(t, 1400*time.Millisecond, took, "two intervals and the wait")
	require.Equal(t, totals{sent: 3, loss: 100}, s.totals())

	s, took, err = run(t, false, 3, 250*time.Millisecond, silent)
	require.NoError(t, err)
	require.Equal(t, 250*time.Millisecond, took, "the context ends it")
	require.Equal(t, totals{sent: 2, loss: 100}, s.totals())
}

func TestLateAndLost(t *testing.T) {
	s, took, err := run(t, false, 4, time.Minute, func(sequence int, request icmp.Echo, say func(time.Duration, heard)) error {
		after := []time.Duration{500 * time.Millisecond, time.Millisecond, 2 * time.Second, time.Millisecond}[sequence]
		say(after, heard{target, message(t, ipv4.ICMPTypeEchoReply, &request)})
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1600*time.Millisecond, took)
	got := s.totals()
	require.Equal(t, 3, got.received)
	require.InDelta(t, 25, got.loss, 0.001)
	require.Equal(t, 500*time.Millisecond, got.most)
}

func TestWhatIsNoReply(t *testing.T) {
	for name, say := range map[string]func(request icmp.Echo) heard{
		"another address": func(r icmp.Echo) heard { return heard{"192.0.2.2", message(t, ipv4.ICMPTypeEchoReply, &r)} },
		"a request":       func(r icmp.Echo) heard { return heard{target, message(t, ipv4.ICMPTypeEcho, &r)} },
		"another payload": func(r icmp.Echo) heard {
			r.Data = make([]byte, 56)
			return heard{target, message(t, ipv4.ICMPTypeEchoReply, &r)}
		},
		"a part of it": func(r icmp.Echo) heard {
			r.Data = r.Data[:10]
			return heard{target, message(t, ipv4.ICMPTypeEchoReply, &r)}
		},
		"one not sent yet": func(r icmp.Echo) heard { r.Seq = 7; return heard{target, message(t, ipv4.ICMPTypeEchoReply, &r)} },
		"nothing":          func(icmp.Echo) heard { return heard{target, nil} },
		"noise":            func(icmp.Echo) heard { return heard{target, []byte{0, 0, 1, 2, 3}} },
		"another's return": func(icmp.Echo) heard {
			return heard{"192.0.2.9", message(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: make([]byte, 28)})}
		},
		"a return of little": func(icmp.Echo) heard {
			return heard{"192.0.2.9", message(t, ipv4.ICMPTypeTimeExceeded, &icmp.TimeExceeded{Data: []byte{0x45}})}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, err := run(t, false, 1, time.Minute, func(_ int, request icmp.Echo, later func(time.Duration, heard)) error {
				later(time.Millisecond, say(request))
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, totals{sent: 1, loss: 100}, s.totals())
			require.Empty(t, s.unreachable)
		})
	}
}

func TestDuplicatesCountOnce(t *testing.T) {
	s, _, err := run(t, false, 2, time.Minute, func(_ int, request icmp.Echo, say func(time.Duration, heard)) error {
		for range 3 {
			say(time.Millisecond, heard{target, message(t, ipv4.ICMPTypeEchoReply, &request)})
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, s.totals().received)
	require.GreaterOrEqual(t, s.duplicates, 2, "those of the last may come too late")
}

func TestWhatMachinesInBetweenSay(t *testing.T) {
	for name, tc := range map[string]struct {
		six  bool
		wrap func(datagram []byte) []byte
		text string
	}{
		"unreachable": {false, func(d []byte) []byte {
			return message(t, ipv4.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: d})
		}, "192.0.2.9 answered that it cannot be reached"},
		"too far": {false, func(d []byte) []byte { return message(t, ipv4.ICMPTypeTimeExceeded, &icmp.TimeExceeded{Data: d}) }, "192.0.2.9 answered that it is too many hops away"},
		"by IPv6": {true, func(d []byte) []byte {
			return message(t, ipv6.ICMPTypeDestinationUnreachable, &icmp.DstUnreach{Data: d})
		}, "192.0.2.9 answered that it cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, err := run(t, tc.six, 1, time.Minute, func(_ int, request icmp.Echo, say func(time.Duration, heard)) error {
				var kind icmp.Type = ipv4.ICMPTypeEcho
				header := make([]byte, 24) // with one option
				header[0] = 0x46
				if tc.six {
					kind, header = ipv6.ICMPTypeEchoRequest, make([]byte, 40)
				}
				say(time.Millisecond, heard{"192.0.2.9", tc.wrap(slices.Concat(header, message(t, kind, &request)))})
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, tc.text, s.unreachable)
		})
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	broken := errors.New("no route")
	s, took, err := run(t, false, 3, time.Minute, func(int, icmp.Echo, func(time.Duration, heard)) error { return broken })
	require.ErrorIs(t, err, broken)
	require.Zero(t, took)
	require.Equal(t, 1, s.totals().sent)

	s, _, err = run(t, false, 3, time.Minute, func(sequence int, request icmp.Echo, say func(time.Duration, heard)) error {
		if sequence == 1 {
			return broken
		}
		say(time.Millisecond, heard{target, message(t, ipv4.ICMPTypeEchoReply, &request)})
		return nil
	})
	require.NoError(t, err, "a later one is as good as lost")
	require.Equal(t, 2, s.totals().received)
	require.Equal(t, 3, s.totals().sent)
}

// FuzzTake takes whatever may come on a socket.
func FuzzTake(f *testing.F) {
	f.Add(false, []byte{0, 0, 0, 0, 0, 1, 0, 0}, target)
	f.Add(true, []byte{129, 0, 0, 0, 0, 1, 0, 0, 1}, target)
	f.Add(false, append([]byte{3, 1, 0, 0, 0, 0, 0, 0, 0x45}, make([]byte, 40)...), "192.0.2.9")
	f.Add(false, append([]byte{11, 0, 0, 0, 0, 17, 0, 0, 0x4f}, make([]byte, 200)...), "192.0.2.9")
	f.Fuzz(func(t *testing.T, six bool, raw []byte, from string) {
		s := newSeries(&wire{}, six, 2, 16)
		s.requests = make([]request, 2)
		s.take(raw, 1, from, time.Now())
		require.Zero(t, s.received, "the payload cannot be guessed")
		require.Zero(t, s.duplicates)
		if echo := echoIn(raw, six); echo != nil {
			require.Len(t, echo, 8)
		}
	})
}
