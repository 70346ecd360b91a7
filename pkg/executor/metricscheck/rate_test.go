package metricscheck

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
)

func scrapeOf(t *testing.T, text string, s selection) []series {
	t.Helper()
	found, err := s.in(strings.NewReader(text), "")
	require.NoError(t, err)
	return found
}

func TestRateIsTheGrowthOfAllSeriesTogether(t *testing.T) {
	s := selecting("n", nil)
	begun := time.Now()
	var h history
	at := func(seconds float64, text string) (float64, error) {
		rate, _, err := h.next("n", scrapeOf(t, text, s), begun.Add(time.Duration(seconds*float64(time.Second))))
		return rate, err
	}
	_, err := at(0, "n{a=\"1\",b=\"2\"} 10\nn{a=\"2\"} 100\n")
	require.ErrorIs(t, err, executor.ErrNotYet)
	_, err = at(0.5, "n{a=\"1\",b=\"2\"} 11\n")
	require.ErrorIs(t, err, executor.ErrNotYet, "too close to make a rate")
	for _, step := range []struct {
		after float64
		text  string
		want  float64
		why   string
	}{
		{10, "n{b=\"2\",a=\"1\"} 30\nn{a=\"2\"} 150\n", 7, "labels in another order are the same series"},
		{10.5, "n{a=\"1\",b=\"2\"} 999\n", 7, "one close on it has the same rate"},
		{20, "n{a=\"1\",b=\"2\"} 5\nn{a=\"2\"} 150\nn{a=\"3\"} 1000\n", 0.5, "one began again at zero, one is new"},
		{30, "n{a=\"3\"} 1010\n", 1, "two are gone"},
	} {
		got, err := at(step.after, step.text)
		require.NoError(t, err)
		require.InDelta(t, step.want, got, 1e-9, step.why)
	}
	_, err = at(40, "n{a=\"9\"} 1\n")
	require.ErrorIs(t, err, executor.ErrNotYet, "none was there before")
	_, _, err = h.next("n", make([]series, maxRates+1), begun)
	require.ErrorContains(t, err, "more than 500 such series, too many for a rate: select fewer by options.labels")
}

func TestAggregates(t *testing.T) {
	found := []series{{value: 3}, {value: 1}, {value: 8}}
	for how, want := range map[string]float64{"sum": 12, "max": 8, "min": 1, "avg": 4, "count": 3} {
		require.InDelta(t, want, aggregate(how, found), 1e-9, how)
	}
	require.Zero(t, aggregate("count", nil))
}

func TestSeriesAreToldApart(t *testing.T) {
	s := selecting("n", nil)
	seen := map[uint64]bool{}
	for _, line := range []string{`n 1`, `n{a="1"} 1`, `n{a="2"} 1`, `n{b="1"} 1`, `n{a="1",b="1"} 1`, `n{a="1",b="2"} 1`, `n{a="2",b="1"} 1`, `n{a="=1"} 1`} {
		id := scrapeOf(t, line+"\n", s)[0].id
		require.False(t, seen[id], line)
		seen[id] = true
	}
	require.Equal(t, scrapeOf(t, "n{a=\"1\",b=\"2\",} 5\n", s)[0].id, scrapeOf(t, "n{ b=\"2\" , a=\"1\"} 6\n", s)[0].id)
	require.NotEqual(t, scrapeOf(t, "n{a=\"1\"} 5\n", s)[0].id, scrapeOf(t, "n{a=\"1\"} 5\n", selecting("n", nil))[0].id, "an exporter cannot foresee them")
}
