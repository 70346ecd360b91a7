package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/cloudevents"
	"github.com/vedette/vedette/pkg/monitor"
)

// tail is the growing end of one log, followed once for all subscribers of this process. The tail
// of RESULTS is followed only while somebody wants it.
type tail struct {
	name   string
	lazy   bool
	last   func(ctx context.Context) (uint64, error)
	follow func(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error) error
	log    *slog.Logger

	mu sync.Mutex
	// head is the sequence up to which subscribers were given what there is, while following.
	head      uint64
	following bool
	subs      map[*subscriber]struct{}
	// wanted counts those who joined or are about to. changed is closed and replaced when that or
	// following changes.
	wanted  int
	changed chan struct{}
	stop    context.CancelFunc
}

// retryAfter is the pause after a log could not be followed.
const retryAfter = 500 * time.Millisecond

func newEventTail(events Events, log *slog.Logger) *tail {
	return &tail{
		name: "events", last: events.Last, log: log,
		follow: func(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error) error {
			return events.Follow(ctx, after, bus.Filter{}, handle, nil)
		},
		subs: make(map[*subscriber]struct{}), changed: make(chan struct{}), stop: func() {},
	}
}

func newResultTail(results Results, log *slog.Logger) *tail {
	return &tail{
		name: "results", lazy: true, last: results.LastResult, log: log,
		follow: func(ctx context.Context, after uint64, handle func([]monitor.EventMessage) error) error {
			return results.FollowResults(ctx, after, handle, nil)
		},
		subs: make(map[*subscriber]struct{}), changed: make(chan struct{}), stop: func() {},
	}
}

// run follows until ctx ends.
func (t *tail) run(ctx context.Context) error {
	for t.awaitWanted(ctx) {
		err := t.followOnce(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		t.log.Warn("a log could not be followed for event streams; trying again", "log", t.name, "error", err)
		timer := time.NewTimer(retryAfter)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return nil
}

// awaitWanted returns false when ctx has ended.
func (t *tail) awaitWanted(ctx context.Context) bool {
	for ctx.Err() == nil {
		t.mu.Lock()
		wanted, changed := !t.lazy || t.wanted > 0, t.changed
		t.mu.Unlock()
		if wanted {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}

func (t *tail) followOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	after, err := t.begin(ctx, cancel)
	if err != nil {
		return err
	}
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.following = false
		t.announce()
	}()
	return t.follow(ctx, after, t.take)
}

// begin returns where to follow from: the end of the log, or where those who are waiting stand.
func (t *tail) begin(ctx context.Context, cancel context.CancelFunc) (after uint64, err error) {
	last, err := t.last(ctx)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.subs) == 0 {
		t.head = last
	}
	t.following, t.stop = true, cancel
	if t.lazy && t.wanted == 0 { // the last one left meanwhile
		cancel()
	}
	t.announce()
	return t.head, nil
}

// announce is called with mu held.
func (t *tail) announce() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// take hands what came to the subscribers. It is the one loop of the tail.
func (t *tail) take(messages []monitor.EventMessage) error {
	if len(messages) == 0 {
		return nil
	}
	last := messages[len(messages)-1].Sequence
	items := make([]*item, len(messages))
	for i, m := range messages {
		items[i] = &item{EventMessage: m}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.head = last
	for s := range t.subs {
		s.offer(t.lazy, items, last)
	}
	return nil
}

// join adds a subscriber and returns the sequence after which it is given everything.
func (t *tail) join(ctx context.Context, s *subscriber) (head uint64, err error) {
	t.mu.Lock()
	t.wanted++
	t.announce()
	for !t.following {
		changed := t.changed
		t.mu.Unlock()
		select {
		case <-changed:
			t.mu.Lock()
		case <-ctx.Done():
			t.mu.Lock()
			t.wanted--
			t.mu.Unlock()
			return 0, ctx.Err()
		}
	}
	defer t.mu.Unlock()
	t.subs[s] = struct{}{}
	return t.head, nil
}

// leave undoes join.
func (t *tail) leave(s *subscriber) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subs, s)
	if t.wanted--; t.wanted == 0 && t.lazy {
		t.stop()
	}
}

// alive reports whether the log is being followed.
func (t *tail) alive() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.following
}

// item is an event on its way to subscribers, encoded once for all of them.
type item struct {
	monitor.EventMessage
	once  sync.Once
	bytes []byte
	err   error
}

func (i *item) frame() ([]byte, error) {
	i.once.Do(func() {
		var data []byte
		if data, i.err = cloudevents.MarshalEvent(i.EventMessage); i.err == nil {
			i.bytes = frame(i.Event.Type(), data)
		}
	})
	return i.bytes, i.err
}

// maxQueue bounds what waits for one subscriber. What waits is shared by all of them.
const maxQueue = 8192

// subscriber takes from the tails what its filter wants.
type subscriber struct {
	filter *filter
	// wake has a value when there is something to take.
	wake chan struct{}
	// drop is called once when the subscriber is too slow.
	drop func()

	mu      sync.Mutex
	queue   []*item
	reached position
	dropped bool
}

func newSubscriber(f *filter, drop func()) *subscriber {
	return &subscriber{filter: f, wake: make(chan struct{}, 1), drop: drop}
}

// offer queues what is wanted of items; last is the sequence up to which they reach.
func (s *subscriber) offer(results bool, items []*item, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped {
		return
	}
	if results {
		s.reached.Result = atMessage(last)
	} else {
		s.reached.Event = last
	}
	before := len(s.queue)
	for _, i := range items {
		if s.filter.matches(i.EventMessage) {
			s.queue = append(s.queue, i)
		}
	}
	if len(s.queue) > maxQueue {
		s.queue, s.dropped = nil, true
		s.drop()
	}
	if len(s.queue) > before || s.dropped {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// take returns what waits, and the place that is reached with it.
func (s *subscriber) take() (items []*item, reached position, dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items, s.queue = s.queue, nil
	return items, s.reached, s.dropped
}

func (s *subscriber) isDropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}
