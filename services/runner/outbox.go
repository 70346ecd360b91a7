package runner

import (
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// outbox holds results until the sender is free. One parcel is out at a time.
type outbox struct {
	items []done
	// sendAt is when the items go at the latest; the zero time sends at once.
	sendAt time.Time
	// parcel is ready for the sender, or nil; out says that the sender has one.
	parcel *parcel
	out    bool
	// hurried: nothing waits for company any more.
	hurried bool
}

func (o *outbox) full() bool { return len(o.items) >= maxOutbox }

func (o *outbox) hurry() {
	o.hurried = true
	o.sendAt = time.Time{}
}

func (o *outbox) add(item done, now time.Time) {
	if len(o.items) == 0 {
		o.sendAt = now.Add(gather)
	}
	o.items = append(o.items, item)
	if o.hurried || len(o.items) >= parcelResults || urgent(item.result) {
		o.sendAt = time.Time{}
	}
}

// urgent says that somebody may be waiting for this result, or be woken by it.
func urgent(r monitor.Result) bool {
	good := r.Outcome == monitor.OutcomeSuccess || r.Outcome == monitor.OutcomeDegraded
	return !good || r.Trigger != monitor.TriggerSchedule
}

// prepare makes a parcel of what is at hand when it is time and the sender has none.
func (o *outbox) prepare(now time.Time) {
	if o.out || o.parcel != nil || len(o.items) == 0 || o.sendAt.After(now) {
		return
	}
	count, bytes := 0, 0
	for count < min(len(o.items), parcelResults) {
		bytes += o.items[count].size
		if count > 0 && bytes > parcelBytes {
			break
		}
		count++
	}
	o.parcel = &parcel{items: o.items[:count:count]}
	o.items = o.items[count:]
	o.sendAt = time.Time{} // what is left over has waited long enough
	if len(o.items) == 0 {
		o.items = nil
	}
}

// next returns when prepare will have something to do.
func (o *outbox) next() (time.Time, bool) {
	if o.out || o.parcel != nil || len(o.items) == 0 {
		return time.Time{}, false
	}
	return o.sendAt, true
}

func (o *outbox) sent() { o.parcel, o.out = nil, true }

func (o *outbox) settled() { o.out = false }

// abandon empties the outbox of what the sender has not taken, and returns it.
func (o *outbox) abandon() []done {
	items := o.items
	if o.parcel != nil {
		items = append(o.parcel.items, items...)
	}
	o.items, o.parcel = nil, nil
	return items
}
