package metricscheck

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/common/expfmt"
)

const (
	// maxBody bounds the scrape that is read, in bytes, and maxSeries the series that are selected by
	// name: together they bound the memory of an attempt.
	maxBody, maxSeries = 512 << 10, 5000
	// maxLine bounds the line of a selected series, in bytes, maxLabels its labels.
	maxLine, maxLabels = 8 << 10, 100
	// maxName bounds the beginning of a longer line that is looked at, in bytes.
	maxName = 300
)

// selection says which series of a scrape are wanted.
type selection struct {
	name   string
	labels map[string]string
	// seed makes the ids of series.
	seed maphash.Seed
}

// series is a selected one: what it is by its labels, and its value.
type series struct {
	id    uint64
	value float64
}

// in returns the series of a scrape that are selected. Lines of other names are not looked at, so
// that what else an exporter has to say costs nothing. Errors quote nothing of the scrape.
//
// The official parser (expfmt) does not serve here: it takes memory by the square of a series'
// labels. A test holds this one to that one's judgement.
func (s selection) in(scrape io.Reader, contentType string) ([]series, error) {
	open, err := isOpen(contentType)
	if err != nil {
		return nil, err
	}
	lines := lines{reader: bufio.NewReaderSize(scrape, maxLine)}
	var found []series
	count, whole := 0, false
	sample := sample{open: open, selection: &s}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		whole = bytes.HasSuffix(line, []byte("# EOF")) || (whole && len(line) == 0)
		if !s.names(line) {
			continue
		}
		if count++; count > maxSeries {
			return nil, fmt.Errorf("%s has more than %d series, too many to be read", s.name, maxSeries)
		}
		if lines.cut {
			return nil, fmt.Errorf("a series of %s is longer than %d KiB, too long to be read", s.name, maxLine>>10)
		}
		sample.rest = strings.ToValidUTF8(string(line[len(s.name):]), "�")
		if err := sample.read(); err != nil {
			return nil, fmt.Errorf("the series of %s cannot be read: line %d: %w", s.name, lines.number, err)
		}
		if sample.matched == len(s.labels) {
			found = append(found, series{sample.id, sample.value})
		}
	}
	if open && !whole {
		return nil, errors.New("the answer is not whole: it does not end in # EOF")
	}
	return found, nil
}

// names reports whether a line begins with the name.
func (s selection) names(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte(s.name))
	return ok && len(rest) > 0 && strings.IndexByte("{ \t", rest[0]) >= 0
}

// lines reads a text line by line in bounded memory.
type lines struct {
	reader *bufio.Reader
	number int
	// cut says that the line was longer than maxLine; only its beginning is there.
	cut bool
}

// next returns a line without the blanks around it, until the next call; io.EOF after the last.
func (l *lines) next() ([]byte, error) {
	line, err := l.reader.ReadSlice('\n')
	l.cut = errors.Is(err, bufio.ErrBufferFull)
	beginning := line
	if l.cut {
		beginning = bytes.Clone(line[:min(len(line), maxName)])
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = l.reader.ReadSlice('\n')
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	l.number++
	return bytes.Trim(beginning, " \t\r\n"), nil
}

// isOpen reports whether an answer is in OpenMetrics text; else it is in that of Prometheus.
func isOpen(contentType string) (bool, error) {
	format := expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}})
	switch format.FormatType() {
	case expfmt.TypeProtoDelim, expfmt.TypeProtoText, expfmt.TypeProtoCompact:
		return false, errors.New("the answer is in a binary format, though none was asked for: have the exporter send text")
	case expfmt.TypeOpenMetrics:
		return true, nil
	case expfmt.TypeUnknown, expfmt.TypeTextPlain:
	}
	return false, nil
}
