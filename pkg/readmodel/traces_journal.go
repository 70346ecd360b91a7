package readmodel

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/trace"
)

// journal is what came with some messages of RESULTS, of all checks. As an entry it is a line of JSON
// with its number, and then the results compressed: the fields in turn, texts after their length.
type journal struct {
	Number int64 `json:"number"`
	// Last is the position of the last result.
	Last monitor.Position `json:"last"`
	text []byte
}

func (j *journal) key(kept int64) string {
	return fmt.Sprintf("%s%d", journalPrefix, slot(j.Number, kept))
}

func (j *journal) bytes() []byte { return append(append(encode(j), '\n'), s2.Encode(nil, j.text)...) }

func (j *journal) add(check string, r trace.Result) {
	to := appendBytes(j.text, []byte(check))
	to = binary.AppendUvarint(to, r.Position.Sequence)
	for _, value := range []int64{
		int64(r.Position.Index), r.StoredAt, r.DueAt - r.StoredAt, r.StartedAt - r.StoredAt, nextOf(r), r.Duration,
		int64(r.Revision), int64(r.Attempts),
	} {
		to = binary.AppendVarint(to, value)
	}
	for _, text := range []string{r.Location, string(r.Outcome), string(r.Trigger), r.Error} {
		to = appendBytes(to, []byte(text))
	}
	j.text, j.Last = to, r.Position
}

// nextOf is the time from a result's due time to the next; 0 for none.
func nextOf(r trace.Result) int64 {
	if r.NextDueAt == 0 {
		return 0
	}
	return r.NextDueAt - r.DueAt
}

var errTornJournal = errors.New("read a journal of traces: it is torn")

func readJournal(raw []byte) (journal, error) {
	header, packed, ok := bytes.Cut(raw, []byte("\n"))
	if !ok {
		return journal{}, errTornJournal
	}
	var j journal
	if err := json.Unmarshal(header, &j); err != nil {
		return j, fmt.Errorf("read a journal of traces: %w", err)
	}
	text, err := unpack(packed)
	if err != nil {
		return j, fmt.Errorf("unpack a journal of traces: %w", err)
	}
	j.text = text
	return j, nil
}

// inOrder sorts journals. One that was written over by a later one is not among them.
func inOrder(books []journal) []journal {
	slices.SortFunc(books, func(x, y journal) int { return cmp.Compare(x.Number, y.Number) })
	return books
}

// each calls take with the results in order.
func (j *journal) each(take func(check string, r trace.Result)) error {
	return j.of("", take)
}

// of calls take with the results of one check, or of all.
func (j *journal) of(check string, take func(check string, r trace.Result)) error {
	text := j.text
	for len(text) > 0 {
		name, rest, ok := cutBytes(text)
		if !ok {
			return errTornJournal
		}
		r, rest, ok := readJournalled(rest, check == "" || check == string(name))
		if !ok {
			return errTornJournal
		}
		if check == "" || check == string(name) {
			take(string(name), r)
		}
		text = rest
	}
	return nil
}

// readJournalled reads a result off the text; its texts only where it is wanted.
func readJournalled(text []byte, wanted bool) (r trace.Result, rest []byte, ok bool) {
	var n int
	r.Position.Sequence, n = binary.Uvarint(text)
	if n <= 0 {
		return r, nil, false
	}
	text = text[n:]
	var numbers [8]int64
	for i := range numbers {
		if numbers[i], n = binary.Varint(text); n <= 0 {
			return r, nil, false
		}
		text = text[n:]
	}
	var texts [4][]byte
	for i := range texts {
		if texts[i], text, ok = cutBytes(text); !ok {
			return r, nil, false
		}
	}
	if !wanted {
		return r, text, true
	}
	r.Position.Index, r.StoredAt, r.DueAt, r.StartedAt = int(numbers[0]), numbers[1], numbers[1]+numbers[2], numbers[1]+numbers[3]
	r.Duration, r.Revision, r.Attempts = numbers[5], uint64(numbers[6]), int(numbers[7])
	if numbers[4] != 0 {
		r.NextDueAt = r.DueAt + numbers[4]
	}
	r.Location, r.Outcome = string(texts[0]), monitor.Outcome(texts[1])
	r.Trigger, r.Error = monitor.Trigger(texts[2]), string(texts[3])
	return r, text, true
}
