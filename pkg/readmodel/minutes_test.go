package readmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/monitor"
)

func TestMinutesAreReadAsTheyWereWrittenHoweverTheyCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outcomes := rapid.SliceOfN(rapid.SampledFrom(monitor.Outcomes()), 1, 300).Draw(t, "outcomes")
		step := rapid.Int64Range(0, 7).Draw(t, "step")
		var whole, early, late minutes
		for i, o := range outcomes {
			at := 29_000_000 + int64(i)*step + rapid.SampledFrom([]int64{0, 0, 0, 0, -3, 90}).Draw(t, "off")
			whole.count(at, o)
			if at%2 == 0 {
				early.count(at, o)
			} else {
				late.count(at, o)
			}
		}
		read, err := readMinutes(whole.bytes())
		require.NoError(t, err)
		require.Equal(t, whole, read)
		late.merge(early)
		require.Equal(t, whole.bytes(), late.bytes())
	})
}

func TestADayOfASteadyCheckTakesNoMoreRoomThanAnHour(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, time.Hour} {
		var day minutes
		for at := time.Duration(0); at < 24*time.Hour; at += every {
			day.count(minuteOf(epoch().Add(at)), success)
		}
		require.Less(t, len(day.bytes()), 12, "%s", every)
	}
}

func FuzzReadMinutes(f *testing.F) {
	f.Add(minutes{{At: 1, Up: 2}, {At: 2, Up: 2}, {At: 9, Down: 1}}.bytes())
	f.Add([]byte{2, 0, 2, 1, 1, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := readMinutes(raw)
		if err != nil {
			return
		}
		again, err := readMinutes(all.bytes())
		require.NoError(t, err)
		require.Equal(t, all, again)
	})
}

// What was counted before minutes were kept is corrected by whole hours.
func TestAnHourWithoutMinutesIsCorrectedWhole(t *testing.T) {
	hour := hourOf(epoch())
	of := func(from, to time.Duration) rules {
		return rules{{Correction: monitor.Correction{CorrectionDefinition: monitor.CorrectionDefinition{
			ID: "c", Kind: monitor.CorrectionFalsePositive, From: epoch().Add(from), To: epoch().Add(to),
		}}}}
	}
	for _, c := range []struct {
		rules rules
		down  int
	}{{of(0, time.Hour), 0}, {of(-time.Hour, 90*time.Minute), 0}, {of(0, 59*time.Minute), 3}, {nil, 3}} {
		sum := account{rules: c.rules}
		sum.hour(tally{At: hour, Up: 4, Down: 3})
		u := sum.uptime()
		require.Equal(t, c.down, u.Down)
		require.Equal(t, 7, u.Up+u.Down)
	}
}
