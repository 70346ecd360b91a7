package natscheck

import (
	"fmt"
	"math"
	"strings"
)

// ask asks JetStream for what the options name, and puts the answers into f.
func (o Options) ask(c *client, f *found) error {
	api := "$JS.API"
	if o.Domain != "" {
		api = "$JS." + o.Domain + ".API"
	}
	if o.JetStream {
		answer := new(account)
		if err := c.ask(api+".INFO", nil, answer); err != nil {
			return about("the account", err)
		}
		f.account = answer
	}
	if o.Stream != "" {
		answer := new(stream)
		switch err := c.ask(api+".STREAM.INFO."+o.Stream, nil, answer); {
		case numbered(err, numberNoStream):
			return fmt.Errorf("there is no stream %s", o.Stream)
		case err != nil:
			return about("the stream "+o.Stream, err)
		}
		f.stream = answer
	}
	if o.Consumer != "" {
		answer := new(consumer)
		switch err := c.ask(api+".CONSUMER.INFO."+o.Stream+"."+o.Consumer, nil, answer); {
		case numbered(err, numberNoConsumer):
			return fmt.Errorf("the stream %s has no consumer %s", o.Stream, o.Consumer)
		case err != nil:
			return about("the consumer "+o.Consumer, err)
		}
		f.consumer = answer
	}
	if o.Key != "" {
		answer, err := c.value(api, o.Bucket, o.Key)
		if err != nil {
			return err
		}
		f.entry = &answer
	}
	return nil
}

// limit is how much of something there is and may be, and the words around that: "the stream ORDERS
// holds", 12, "messages".
type limit struct {
	before, after string
	value, most   int
}

func (l limit) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", l.before, l.value, l.after))
}

// limits are those that the options set.
func (o Options) limits(f found) (limits []limit) {
	if s := f.stream; s != nil {
		limits = append(limits,
			limit{"the stream " + o.Stream + " holds", "messages", s.State.Messages, o.Limits.Messages},
			limit{"the stream " + o.Stream + " holds", "bytes", s.State.Bytes, o.Limits.Bytes})
	}
	if c := f.consumer; c != nil {
		limits = append(limits,
			limit{"", "messages wait for the consumer " + o.Consumer, c.Pending, o.Limits.Pending},
			limit{"", "messages of the consumer " + o.Consumer + " are not acknowledged", c.AckPending, o.Limits.AckPending})
	}
	return limits
}

// wrong is what a good answer must not tell.
func (o Options) wrong(f found) error {
	if s := f.stream; s != nil {
		if s.Cluster.leaderless() {
			return fmt.Errorf("the stream %s has no leader", o.Stream)
		}
		if current := s.Cluster.current(); current < o.MinReplicas {
			return fmt.Errorf("the stream %s has %d current replicas, at least %d are wanted", o.Stream, current, o.MinReplicas)
		}
	}
	if c := f.consumer; c != nil && c.Cluster.leaderless() {
		return fmt.Errorf("the consumer %s has no leader", o.Consumer)
	}
	for _, l := range o.limits(f) {
		if l.most >= 0 && l.value > l.most {
			return fmt.Errorf("%s, more than %d", l, l.most)
		}
	}
	return nil
}

// near is why a good answer is degraded: a replica that is not current, or a limit that is near, also
// one of the stream's or the account's own.
func (o Options) near(f found) string {
	if s := f.stream; s != nil && s.Cluster != nil {
		for _, r := range s.Cluster.Replicas {
			switch {
			case r.Offline:
				return fmt.Sprintf("the replica of the stream %s on %s is offline", o.Stream, r.Name)
			case !r.Current:
				return fmt.Sprintf("the replica of the stream %s on %s is not current, %d behind", o.Stream, r.Name, r.Lag)
			}
		}
	}
	for _, l := range append(o.limits(f), o.own(f)...) {
		if l.most > 0 && float64(l.value) >= math.Ceil(float64(l.most)/100*float64(o.Limits.WarnAt)) {
			return fmt.Sprintf("%s, of at most %d", l, l.most)
		}
	}
	return ""
}

// own are the limits that stream, consumer and account have by themselves, where reaching them stops
// something.
func (o Options) own(f found) (limits []limit) {
	if s := f.stream; s != nil && s.Config.Discard == "new" {
		limits = append(limits,
			limit{"the stream " + o.Stream + ", which refuses what is too much, holds", "messages", s.State.Messages, s.Config.MaxMessages},
			limit{"the stream " + o.Stream + ", which refuses what is too much, holds", "bytes", s.State.Bytes, s.Config.MaxBytes})
	}
	if c := f.consumer; c != nil && c.AckPending >= c.Config.MaxAckPending {
		limits = append(limits, limit{"the consumer " + o.Consumer + " delivers no more:", "messages are not acknowledged", c.AckPending, c.Config.MaxAckPending})
	}
	if a := f.account; a != nil {
		limits = append(limits,
			limit{"the account stores", "bytes", a.Storage, a.Limits.Storage},
			limit{"the account holds", "bytes in memory", a.Memory, a.Limits.Memory})
	}
	return limits
}
