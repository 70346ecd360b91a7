package metricscheck

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const (
	// maxBody bounds the scrape that is read, in bytes, and maxSeries the series that are selected by
	// name: together they bound the memory of an attempt.
	maxBody, maxSeries = 512 << 10, 500
	// maxLine bounds the line of a selected series, in bytes.
	maxLine = 4 << 10
)

// selected are the values of the series of a name that have the labels. Only the lines of that name
// are given to the parser, so that what else an exporter has to say costs nothing.
func selected(text, contentType, name string, labels map[string]string) ([]float64, error) {
	format := expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}})
	open := format.FormatType() == expfmt.TypeOpenMetrics
	switch format.FormatType() {
	case expfmt.TypeProtoDelim, expfmt.TypeProtoText, expfmt.TypeProtoCompact:
		return nil, errors.New("the answer is in a binary format, though none was asked for: have the exporter send text")
	case expfmt.TypeUnknown, expfmt.TypeTextPlain, expfmt.TypeOpenMetrics:
	}
	if open && !strings.HasSuffix(strings.TrimRight(text, "\n"), "# EOF") {
		return nil, errors.New("the answer is not whole: it does not end in # EOF")
	}
	lines, err := linesOf(text, name, open)
	if err != nil {
		return nil, err
	}
	if open {
		lines += "# EOF\n"
	} else {
		format = expfmt.NewFormat(expfmt.TypeTextPlain)
	}
	decoder := expfmt.SampleDecoder{Dec: expfmt.NewDecoder(strings.NewReader(lines), format), Opts: &expfmt.DecodeOptions{}}
	var values []float64
	for {
		var samples model.Vector
		err := decoder.Decode(&samples)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the series of %s cannot be read: %w", name, err)
		}
		for _, sample := range samples {
			if has(sample.Metric, labels) {
				values = append(values, float64(sample.Value))
			}
		}
	}
}

// linesOf are the lines of a text that begin with a name, in OpenMetrics without their exemplars,
// which the parser takes only together with a type.
func linesOf(text, name string, open bool) (string, error) {
	var kept strings.Builder
	count := 0
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), name)
		if !ok || rest == "" || !strings.ContainsRune("{ \t", rune(rest[0])) {
			continue
		}
		if count++; count > maxSeries {
			return "", fmt.Errorf("%s has more than %d series, too many to be read", name, maxSeries)
		}
		if len(line) > maxLine {
			return "", fmt.Errorf("a series of %s is longer than %d KiB, too long to be read", name, maxLine>>10)
		}
		if open {
			line = withoutExemplar(line)
		}
		kept.WriteString(strings.TrimSpace(line) + "\n")
	}
	return kept.String(), nil
}

// withoutExemplar ends a line before the first # that is in no label.
func withoutExemplar(line string) string {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case quoted && line[i] == '\\':
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '#' && !quoted:
			return line[:i]
		}
	}
	return line
}

func has(metric model.Metric, labels map[string]string) bool {
	for name, value := range labels {
		if string(metric[model.LabelName(name)]) != value {
			return false
		}
	}
	return true
}
