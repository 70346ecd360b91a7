package natscheck

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// maxLine bounds a line of the protocol, maxMessage a message, maxHead the headers of one, and
	// maxRead all that is read of a server, in bytes. The library nats.go makes room for whatever size
	// a server claims, by which a hostile one ends the program; so the protocol is spoken here.
	maxLine    = 32 << 10
	maxMessage = 256 << 10
	maxHead    = 16 << 10
	maxRead    = 1 << 20
	// maxOperations bounds how often a server may say something.
	maxOperations = 2000
)

var (
	errProtocol = errors.New("the server does not speak NATS")
	errFlood    = fmt.Errorf("the server sent more than %d KiB, or said more than %d things", maxRead>>10, maxOperations)
)

// operation is one thing that a server says: INFO, MSG, HMSG, PING, PONG, +OK or -ERR.
type operation struct {
	name string
	// text is what follows the name of INFO and -ERR.
	text string
	message
}

// message is one that was sent to a subject.
type message struct {
	subject string
	// status is 0 for a message of none, which is the usual.
	status  int
	headers map[string]string
	body    []byte
}

// wire reads operations, within the bounds above.
type wire struct {
	in *bufio.Reader
	// wanted is the subject of messages that are kept; of others there is no body.
	wanted string
	said   int
}

func newWire(from io.Reader) *wire {
	return &wire{in: bufio.NewReaderSize(&limited{from, maxRead}, maxLine)}
}

// limited ends with errFlood after so many bytes.
type limited struct {
	from io.Reader
	left int
}

func (l *limited) Read(buffer []byte) (int, error) {
	if l.left <= 0 {
		return 0, errFlood
	}
	n, err := l.from.Read(buffer[:min(len(buffer), l.left)])
	l.left -= n
	return n, err
}

// read reads one operation. errProtocol: what came is none.
func (w *wire) read() (operation, error) {
	if w.said++; w.said > maxOperations {
		return operation{}, errFlood
	}
	line, err := w.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return operation{}, fmt.Errorf("%w: it sent a line of more than %d KiB", errProtocol, maxLine>>10)
	}
	if err != nil {
		return operation{}, err
	}
	name, rest := strings.TrimRight(string(line), "\r\n"), ""
	if at := strings.IndexAny(name, " \t"); at >= 0 {
		name, rest = name[:at], strings.TrimSpace(name[at:])
	}
	op := operation{name: strings.ToUpper(name)}
	switch op.name {
	case "INFO":
		op.text = rest
	case "-ERR":
		op.text = strings.Trim(rest, "'")
	case "MSG", "HMSG":
		op.message, err = w.readMessage(strings.Fields(rest), op.name == "HMSG")
	case "PING", "PONG", "+OK":
	default:
		err = errProtocol
	}
	return op, err
}

// readMessage reads what follows the arguments: subject, id of the subscription, where to reply if
// anywhere, the size of the headers if there are any, and the size of it all.
func (w *wire) readMessage(arguments []string, headed bool) (message, error) {
	least := 3
	if headed {
		least = 4
	}
	count := len(arguments)
	if count != least && count != least+1 {
		return message{}, errProtocol
	}
	size, err := strconv.ParseUint(arguments[count-1], 10, 32)
	if err != nil {
		return message{}, errProtocol
	}
	head := uint64(0)
	if headed {
		if head, err = strconv.ParseUint(arguments[count-2], 10, 32); err != nil || head > min(size, maxHead) {
			return message{}, errProtocol
		}
	}
	if size > maxMessage {
		return message{}, fmt.Errorf("the server sent a message of %d bytes; up to %d KiB are read", size, maxMessage>>10)
	}
	if arguments[0] != w.wanted {
		_, err := w.in.Discard(int(size) + 2)
		return message{subject: arguments[0]}, err
	}
	raw := make([]byte, size+2)
	if _, err := io.ReadFull(w.in, raw); err != nil {
		return message{}, err
	}
	if string(raw[size:]) != "\r\n" {
		return message{}, errProtocol
	}
	m := message{subject: arguments[0], body: raw[head:size]}
	if headed {
		m.status, m.headers, err = parseHead(string(raw[:head]))
	}
	return m, err
}

// parseHead reads headers: a first line of version, and status if any, then names and values.
func parseHead(head string) (status int, headers map[string]string, err error) {
	first, rest, _ := strings.Cut(head, "\r\n")
	version, inline, _ := strings.Cut(first, " ")
	if !strings.HasPrefix(version, "NATS/") {
		return 0, nil, errProtocol
	}
	if code, _, _ := strings.Cut(strings.TrimSpace(inline), " "); code != "" {
		if status, err = strconv.Atoi(code); err != nil || status < 0 {
			return 0, nil, errProtocol
		}
	}
	headers = make(map[string]string)
	for line := range strings.SplitSeq(rest, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			headers[name] = strings.TrimSpace(value)
		}
	}
	return status, headers, nil
}
