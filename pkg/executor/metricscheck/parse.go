package metricscheck

import (
	"errors"
	"fmt"
	"hash/maphash"
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
func (s selection) in(text, contentType string) ([]series, error) {
	open, err := isOpen(contentType)
	if err != nil {
		return nil, err
	}
	if open && !strings.HasSuffix(strings.TrimRight(text, "\n"), "# EOF") {
		return nil, errors.New("the answer is not whole: it does not end in # EOF")
	}
	var found []series
	number, count := 0, 0
	sample := sample{open: open, selection: &s}
	for line := range strings.Lines(text) {
		number++
		line = strings.Trim(line, " \t\r\n")
		rest, ok := strings.CutPrefix(line, s.name)
		if !ok || rest == "" || !strings.ContainsRune("{ \t", rune(rest[0])) {
			continue
		}
		if count++; count > maxSeries {
			return nil, fmt.Errorf("%s has more than %d series, too many to be read", s.name, maxSeries)
		}
		if len(line) > maxLine {
			return nil, fmt.Errorf("a series of %s is longer than %d KiB, too long to be read", s.name, maxLine>>10)
		}
		sample.rest = rest
		if err := sample.read(); err != nil {
			return nil, fmt.Errorf("the series of %s cannot be read: line %d: %w", s.name, number, err)
		}
		if sample.matched == len(s.labels) {
			found = append(found, series{sample.id, sample.value})
		}
	}
	return found, nil
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
