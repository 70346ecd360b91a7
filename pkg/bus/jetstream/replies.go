package jetstream

import (
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// replies takes the answers to all commands sent over one connection on one subscription.
type replies struct {
	prefix  string
	mu      sync.Mutex
	waiting map[string]chan []byte
}

func newReplies(conn *nats.Conn) (*replies, error) {
	r := &replies{prefix: conn.NewInbox(), waiting: make(map[string]chan []byte)}
	_, err := conn.Subscribe(r.prefix+".*", r.take)
	if err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	return r, nil
}

// open returns an inbox, what comes in there, and how to close it.
func (r *replies) open() (inbox string, answers <-chan []byte, forget func()) {
	id := nuid.Next()
	in := make(chan []byte, 1)
	r.mu.Lock()
	r.waiting[id] = in
	r.mu.Unlock()
	return r.prefix + "." + id, in, func() {
		r.mu.Lock()
		delete(r.waiting, id)
		r.mu.Unlock()
	}
}

func (r *replies) take(m *nats.Msg) {
	id := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	r.mu.Lock()
	in := r.waiting[id]
	r.mu.Unlock()
	select {
	case in <- m.Data:
	default: // nobody waits any more, or there is an answer already
	}
}
