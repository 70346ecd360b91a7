package metricscheck

import (
	"errors"
	"hash/maphash"
	"io"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

func selecting(name string, labels map[string]string) selection {
	return selection{name: name, labels: labels, seed: maphash.MakeSeed()}
}

// FuzzScrape reads whatever an exporter may send, and whatever a level may be.
func FuzzScrape(f *testing.F) {
	f.Add("a{b=\"c\"} 1 2\na 3\n# EOF\n", "application/openmetrics-text; version=1.0.0", "> 1")
	f.Add("a{b=\"\\n\"} NaN\n", "text/plain", "!= -1e3")
	f.Fuzz(func(t *testing.T, text, contentType, bound string) {
		if len(text) > maxBody {
			return
		}
		found, err := selecting("a", map[string]string{"b": "c"}).in(strings.NewReader(text), contentType)
		require.LessOrEqual(t, len(found), maxSeries)
		if err != nil {
			require.NotEmpty(t, err.Error())
			require.Less(t, len(err.Error()), 200, "nothing of the scrape is in it")
		}
		if l, ok := parseLevel(bound); ok {
			require.NotEqual(t, l.reached(l.bound), level{map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}[l.operator], l.bound}.reached(l.bound))
		}
	})
}

// official reads a line as the official parser does, of an exporter that names labels as it likes.
func official(line string, labels map[string]string) (values []float64, err error) {
	decoder := expfmt.SampleDecoder{Dec: expfmt.NewDecoder(strings.NewReader(line+"\n"), expfmt.NewFormat(expfmt.TypeTextPlain).WithEscapingScheme(model.NoEscaping)), Opts: &expfmt.DecodeOptions{}}
	for {
		var samples model.Vector
		err := decoder.Decode(&samples)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		for _, sample := range samples {
			matches := true
			for name, value := range labels {
				got, ok := sample.Metric[model.LabelName(name)]
				matches = matches && ok && string(got) == value
			}
			if matches {
				values = append(values, float64(sample.Value))
			}
		}
	}
}

// FuzzSampleIsReadAsTheOfficialParserReadsIt compares line by line: what is taken, and for what.
func FuzzSampleIsReadAsTheOfficialParserReadsIt(f *testing.F) {
	for _, seed := range []string{
		`a{b="c"} 1`, `a 1 2`, `a{} 1`, `a{b="c",} 1`, `a{b="c",d="e\"\\\n"} +Inf 3`, `a {b="c"}1`, `a{b="c",b="d"} 1`, `a{__name__="c"} 1`, `a{b="\q"} 1`,
		`a{b="c" 1`, `a{b=c} 1`, `a{b} 1`, `a{,} 1`, "a\t1", `a 0x1p-2`, `a 1_000`, `a 1e3`, `a nan`, `a 1 2 3`, `a 1 2.5`, `a{b="c"`, `a{b="c"}`, `a{ b = "c" , d="" } -.5e+3`, `a{"b"="c"} 1`, `a{b="}"} 1`, `a{bé="c"} 1`, `a{"0"=""}0`, `a{"http.status"="c",b="c"} 1`,
	} {
		f.Add(seed)
	}
	labels := map[string]string{"b": "c"}
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.ToValidUTF8(strings.Trim(line, " \t\r\n"), "�")
		if strings.ContainsAny(line, "\n\r") || len(line) > maxLine || !(strings.HasPrefix(line, "a{") || strings.HasPrefix(line, "a ") || strings.HasPrefix(line, "a\t")) {
			return
		}
		found, err := selecting("a", labels).in(strings.NewReader(line+"\n"), "")
		want, official := official(line, labels)
		if err != nil && strings.Contains(err.Error(), "more than") {
			return // a bound that the other has not
		}
		require.Equal(t, official == nil, err == nil, "%q: %v, the official parser: %v", line, err, official)
		require.Len(t, found, len(want), "%q", line)
		for i, value := range want {
			require.True(t, value == found[i].value || (value != value && found[i].value != found[i].value), "%q: %v, the official parser: %v", line, found[i].value, value)
		}
	})
}
