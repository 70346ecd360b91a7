package api

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// position is a place in both logs.
type position struct {
	// Event is a sequence of EVENTS.
	Event uint64
	// Result is a place in RESULTS; index wholeMessage stands for all results of the message.
	Result monitor.Position
}

// wholeMessage is after every index.
const wholeMessage = math.MaxInt

func atMessage(sequence uint64) monitor.Position {
	return monitor.Position{Sequence: sequence, Index: wholeMessage}
}

// cursor writes a position: "1842" where results are not asked for, else "1842-977.3", or "1842-977"
// after all of message 977.
func (p position) cursor(results bool) string {
	text := strconv.FormatUint(p.Event, 10)
	if !results {
		return text
	}
	text += "-" + strconv.FormatUint(p.Result.Sequence, 10)
	if p.Result.Index != wholeMessage {
		text += "." + strconv.Itoa(p.Result.Index)
	}
	return text
}

var errCursor = errors.New("it is no cursor: use the id of an event of the stream, a next_cursor, or the sequence of an event")

// parseCursor reads what cursor wrote. A bare number names no place in RESULTS: hasResult is false.
func parseCursor(text string) (p position, hasResult bool, err error) {
	event, rest, hasResult := strings.Cut(text, "-")
	if p.Event, err = parseSequence(event); err != nil || !hasResult {
		return p, false, err
	}
	message, index, hasIndex := strings.Cut(rest, ".")
	if p.Result.Sequence, err = parseSequence(message); err != nil {
		return position{}, false, err
	}
	p.Result.Index = wholeMessage
	if hasIndex {
		i, err := parseSequence(index)
		if err != nil || i > math.MaxInt32 {
			return position{}, false, errCursor
		}
		p.Result.Index = int(i)
	}
	return p, true, nil
}

// parseSequence reads digits as FormatUint writes them, so that a place has one cursor only.
func parseSequence(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, errCursor
	}
	return n, nil
}
