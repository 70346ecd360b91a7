// Package wire takes down what an attempt looks up, connects to, sends and receives, for people who
// try a definition out. All methods may be called of a nil [Log], which takes nothing down: that is
// the usual case, and costs nothing.
package wire

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

const (
	// maxStream bounds what is kept of one direction of one connection, in bytes, maxEntries the
	// entries, maxText what they come to together, in bytes of JSON: a result of a test has room for
	// it beside all else.
	maxStream, maxEntries, maxText = 4 << 10, 60, 7 << 10
)

// Log is what was taken down. It is safe for concurrent use.
type Log struct {
	begun time.Time

	mu      sync.Mutex
	entries []entry
	// left is how many entries there was no room for.
	left int
}

// entry is one line: a note, or a piece of a stream.
type entry struct {
	at   time.Duration
	what string
	text string
	// of is nil for a note; from and to are the piece's place in what was kept of it, and size is how
	// many bytes it had.
	of             *stream
	from, to, size int
}

// stream is one direction of a connection.
type stream struct {
	kept []byte
	// full is set once something was not kept: what comes then is only counted, as the rest of a
	// secret could not be told from other text.
	full bool
	// alone says that pieces are not joined: datagrams.
	alone bool
}

// New begins a log.
func New() *Log { return &Log{begun: time.Now()} }

// Note takes down what is no data: "lookup", "connect", "token", "tls", "attempt".
func (l *Log) Note(what, text string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(entry{at: time.Since(l.begun), what: what, text: text})
}

// Sent takes down something that is no stream, such as a message written out.
func (l *Log) Sent(text string) { l.whole(sent, text) }

// Received is Sent for what came.
func (l *Log) Received(text string) { l.whole(received, text) }

func (l *Log) whole(what, text string) {
	if l != nil {
		l.data(&stream{alone: true}, what, []byte(text))
	}
}

// The directions of data.
const sent, received = "sent", "received"

func (l *Log) data(of *stream, what string, raw []byte) {
	if len(raw) == 0 && !of.alone {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	from := len(of.kept)
	if !of.full {
		room := min(len(raw), maxStream-len(of.kept))
		of.kept = append(of.kept, raw[:room]...)
		of.full = room < len(raw)
	}
	if last := len(l.entries) - 1; !of.alone && last >= 0 && l.entries[last].of == of {
		l.entries[last].to = len(of.kept)
		l.entries[last].size += len(raw)
		return
	}
	l.add(entry{at: time.Since(l.begun), what: what, of: of, from: from, to: len(of.kept), size: len(raw)})
}

func (l *Log) add(e entry) {
	if len(l.entries) == maxEntries {
		l.left++
		return
	}
	l.entries = append(l.entries, e)
}

// Secrets finds the values of secrets in what was sent or came.
type Secrets interface {
	// Find returns the places of secrets in a text, from and to in bytes, in order and apart.
	Find(text string) [][2]int
	// Longest is the most bytes that one may take.
	Longest() int
}

// Entries are what was taken down, without secrets, in at most some 7 KiB of JSON.
func (l *Log) Entries(secrets Secrets) []monitor.WireEntry {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make(map[*stream][][2]int)
	shown := make([]monitor.WireEntry, 0, len(l.entries))
	room := maxText
	for i, e := range l.entries {
		text := e.text
		switch {
		case e.of == nil:
			text = cover([]byte(text), 0, len(text), secrets.Find(text))
		default:
			places, known := found[e.of]
			if !known {
				places = secrets.Find(string(e.of.kept))
				found[e.of] = places
			}
			text = cover(e.of.kept, e.from, e.of.shownUntil(e.to, secrets.Longest()), places)
		}
		const around = 60 // of an entry without its text
		text = within(readable(text), room-around)
		room -= around + jsonLength(text)
		if room < 0 {
			l.left += len(l.entries) - i
			break
		}
		shown = append(shown, monitor.WireEntry{AtMS: float64(e.at.Microseconds()) / 1000, What: e.what, Text: text, Bytes: e.size})
	}
	if l.left > 0 {
		shown = append(shown, monitor.WireEntry{What: "more", Text: "there is more than a result has room for"})
	}
	return slices.Clip(shown)
}

// shownUntil is up to where a piece may be shown: what is left of the beginning of a secret at the
// end of a full stream is not.
func (s *stream) shownUntil(to, longest int) int {
	if s.full {
		return min(to, max(0, len(s.kept)-longest))
	}
	return to
}

// redacted stands where a secret was.
const redacted = "•••"

// cover returns a part of a text without what is at the places.
func cover(raw []byte, from, to int, places [][2]int) string {
	var out strings.Builder
	at := from
	for _, place := range places {
		if place[1] <= at || place[0] >= to {
			continue
		}
		out.Write(raw[at:max(at, place[0])])
		out.WriteString(redacted)
		at = min(place[1], to)
	}
	if at < to {
		out.Write(raw[at:to])
	}
	return out.String()
}
