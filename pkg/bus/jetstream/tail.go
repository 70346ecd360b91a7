package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxTail is the most messages handed over at once.
const maxTail = 500

// maxPulled bounds in bytes what the server sends a reader at once. All that this process reads comes
// through one connection: what somebody waits for comes after what is under way already, and the server
// cuts off a connection that has more than 64 MiB to take in. It is more than any message.
const maxPulled = 2 << 20

// tailing says what of a stream is read.
type tailing struct {
	stream string
	// after is the sequence after which reading begins; latest begins with the last message of each
	// subject instead.
	after    uint64
	latest   bool
	filters  []string
	handle   func([]jetstream.Msg) error
	caughtUp func()
	// renewed, when set, is called when the stream turns out to have been deleted and made again;
	// then the new one is read from its beginning. created is when the one that is read was made.
	renewed func()
	created time.Time
}

func (t *tailing) consumer() jetstream.OrderedConsumerConfig {
	config := jetstream.OrderedConsumerConfig{
		FilterSubjects: t.filters, InactiveThreshold: 5 * time.Minute,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: t.after + 1,
	}
	if t.latest {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverLastPerSubjectPolicy, 0
	}
	return config
}

// tail reads until ctx ends (then nil) or handle fails (then its error). Whatever else goes wrong is
// tried again from the last message handled.
func (b *Bus) tail(ctx context.Context, t tailing) error {
	for ctx.Err() == nil {
		err := b.tailOnce(ctx, &t)
		var failed *handleError
		if errors.As(err, &failed) {
			return failed.err
		}
		if ctx.Err() != nil {
			return nil
		}
		b.log.Warn("reading a stream is interrupted; going on", "stream", t.stream, "after", t.after, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(250 * time.Millisecond):
		}
	}
	return nil
}

// handleError is an error of the handler's, which ends the tail.
type handleError struct{ err error }

func (e *handleError) Error() string { return e.err.Error() }

func (b *Bus) tailOnce(ctx context.Context, t *tailing) error {
	opening, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := b.identify(opening, t); err != nil {
		return err
	}
	consumer, err := b.js.OrderedConsumer(opening, t.stream, t.consumer())
	if err != nil {
		return fmt.Errorf("open a consumer: %w", err)
	}
	defer b.dismiss(t.stream, consumer)
	info, err := consumer.Info(opening)
	if err != nil {
		return fmt.Errorf("look at the consumer: %w", err)
	}
	behind := int(info.NumPending)
	if behind == 0 {
		t.arrived()
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(2*maxTail, maxPulled))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	incoming := make(chan jetstream.Msg, maxTail)
	var pumping sync.WaitGroup
	var pumpErr error
	pumping.Go(func() {
		defer close(incoming)
		pumpErr = pump(ctx, messages, incoming)
	})
	reading, stop := context.WithCancel(ctx)
	if t.renewed != nil {
		created := t.created
		pumping.Go(func() { b.lookForRenewal(reading, t.stream, created, messages.Stop) })
	}
	err = t.deliver(incoming, behind)
	stop()
	messages.Stop()
	for range incoming { // lets the pump end
		continue
	}
	pumping.Wait()
	if err != nil {
		return err
	}
	return pumpErr
}

// renewalLook is how often a stream is looked at, whether it still is the one that is read: the
// consumer would follow another one by its name, and wait for sequences that it has used already.
const renewalLook = 5 * time.Second

// identify finds out whether the stream is the one that was read before.
func (b *Bus) identify(ctx context.Context, t *tailing) error {
	if t.renewed == nil {
		return nil
	}
	stream, err := b.js.Stream(ctx, t.stream)
	if err != nil {
		return fmt.Errorf("look at the stream: %w", err)
	}
	created := stream.CachedInfo().Created
	if !t.created.IsZero() && !t.created.Equal(created) {
		b.log.Warn("a stream was deleted and made again; reading it anew", "stream", t.stream)
		t.after, t.latest = 0, true
		t.renewed()
	}
	t.created = created
	return nil
}

// lookForRenewal calls stop when the stream is not the one created then, or returns when ctx ends.
func (b *Bus) lookForRenewal(ctx context.Context, name string, created time.Time, stop func()) {
	look := time.NewTicker(renewalLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		stream, err := b.js.Stream(ctx, name)
		if err == nil && !stream.CachedInfo().Created.Equal(created) {
			stop()
			return
		}
	}
}

// pump moves messages to out until ctx ends or the iterator does.
func pump(ctx context.Context, messages jetstream.MessagesContext, out chan<- jetstream.Msg) error {
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		select {
		case out <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver hands over what comes in, as much as is at hand at once, until in is closed.
func (t *tailing) deliver(in <-chan jetstream.Msg, behind int) error {
	batch := make([]jetstream.Msg, 0, maxTail)
	for m := range in {
		batch = append(batch[:0], m)
		for full := false; !full && len(batch) < maxTail; {
			select {
			case more, ok := <-in:
				if ok {
					batch = append(batch, more)
				}
				full = !ok
			default:
				full = true
			}
		}
		if err := t.handle(batch); err != nil {
			return &handleError{err}
		}
		meta, err := batch[len(batch)-1].Metadata()
		if err != nil {
			return fmt.Errorf("message without metadata: %w", err)
		}
		t.after, t.latest = meta.Sequence.Stream, false
		if behind > 0 {
			if behind -= len(batch); behind <= 0 {
				t.arrived()
			}
		}
	}
	return nil
}

// arrived calls caughtUp, once.
func (t *tailing) arrived() {
	if t.caughtUp != nil {
		t.caughtUp()
		t.caughtUp = nil
	}
}

// dismiss has the server forget a consumer that nobody reads from any more: it would keep it for as
// long as one that reads may be silent, and takes 1,000 a stream at most. Nobody waits for that, and
// a request that is lost costs no more than the time until then.
func (b *Bus) dismiss(stream string, consumer jetstream.Consumer) {
	info := consumer.CachedInfo()
	if info == nil {
		return
	}
	if err := b.conn.Publish("$JS.API.CONSUMER.DELETE."+stream+"."+info.Name, nil); err != nil {
		b.log.Debug("a consumer is left to run out", "stream", stream, "consumer", info.Name, "error", err)
	}
}

// readUpTo calls each with at most limit messages of what the stream holds now.
func (b *Bus) readUpTo(ctx context.Context, t tailing, limit int, each func(jetstream.Msg)) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	consumer, err := b.js.OrderedConsumer(ctx, t.stream, t.consumer())
	if err != nil {
		return fmt.Errorf("read %s: %w", t.stream, err)
	}
	defer b.dismiss(t.stream, consumer)
	info, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.stream, err)
	}
	want := min(limit, int(info.NumPending))
	if want == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(max(1, min(want, maxTail)), maxPulled))
	if err != nil {
		return fmt.Errorf("read %s: %w", t.stream, err)
	}
	defer messages.Stop()
	for range want {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read %s: %w", t.stream, err)
		}
		each(m)
	}
	return nil
}
