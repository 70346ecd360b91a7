package notifier

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestTellsEveryDecisionWithItsCauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		write(t, b, "history", down("old"))
		l, stop := start(t, b, "one")
		settle()
		require.Empty(t, l.told(t), "history is not told")

		now := time.Now().UTC()
		write(t, b, "e1", down("home"))
		write(t, b, "e2", monitor.ServiceStatusChanged{ServiceID: "web", From: monitor.StatusDown, To: monitor.StatusUp, At: now, CheckID: "home"})
		write(t, b, "e3", monitor.IncidentOpened{IncidentID: "i1", CheckID: "home", Service: "web", OpenedAt: now, Cause: "status is 503"})
		write(t, b, "e4", monitor.IncidentResolved{IncidentID: "i2", CheckID: "home", Service: "web", ResolvedAt: now, DurationMS: 90000, Resolution: "recovered"})
		write(t, b, "e5", monitor.RunnerJoined{RunnerID: "r", Location: "north", At: now})
		settle()
		told := l.told(t)
		require.Len(t, told, 4)
		assert.Equal(t, "check status changed", told[0]["msg"])
		for field, value := range map[string]any{
			"level": "WARN", "check": "home", "service": "web", "from": "up", "to": "down", "reason": "status is 503",
			"execution": "home.1.x.north", "event": "e1", "causation": "cause-of-e1", "correlation": "chain-of-e1", "sequence": 2.0,
		} {
			assert.Equal(t, value, told[0][field], field)
		}
		assert.Equal(t, "service status changed", told[1]["msg"])
		assert.Equal(t, "INFO", told[1]["level"])
		assert.Equal(t, "incident opened", told[2]["msg"])
		assert.Equal(t, "incident resolved", told[3]["msg"])
		assert.EqualValues(t, 90*time.Second, told[3]["duration"])
		stop()
	})
}

func TestGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		l, stop := start(t, b, "one")
		settle()
		write(t, b, "e1", down("a"))
		settle()
		require.Len(t, l.told(t), 1)
		stop()
		write(t, b, "e2", down("b"))
		l, stop = start(t, b, "two")
		settle()
		told := l.told(t)
		require.Len(t, told, 1, "neither again nor left out")
		assert.Equal(t, "e2", told[0]["event"])
		stop()
	})
}

func TestFirstStartIsRememberedWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		_, stop := start(t, b, "one")
		settle()
		stop()
		write(t, b, "e1", down("a"))
		l, stop := start(t, b, "two")
		settle()
		require.Len(t, l.told(t), 1, "what came while none was running is told")
		stop()
	})
}

func TestStandbyTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		first, stopFirst := start(t, b, "one")
		settle()
		second, stopSecond := start(t, b, "two")
		settle()
		for i := range 5 {
			write(t, b, fmt.Sprintf("e%d", i), down(fmt.Sprintf("c%d", i)))
		}
		settle()
		require.Len(t, first.told(t), 5)
		require.Empty(t, second.told(t))
		stopFirst()
		write(t, b, "after", down("after"))
		time.Sleep(10 * time.Second)
		told := second.told(t)
		require.Len(t, told, 1)
		assert.Equal(t, "after", told[0]["event"])
		stopSecond()
	})
}

// A notifier whose checkpoint somebody else has moved begins again from there.
func TestMovedCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bus.NewMemory()
		l, stop := start(t, b, "one")
		settle()
		bucket, err := b.Bucket(t.Context(), Bucket)
		require.NoError(t, err)
		entry, err := bucket.Get(t.Context(), bus.CheckpointKey)
		require.NoError(t, err)
		_, err = bucket.Flush(t.Context(), nil, []byte(`{"sequence":1}`), entry.Revision)
		require.NoError(t, err)
		write(t, b, "e1", down("a"))
		settle()
		time.Sleep(5 * time.Second)
		write(t, b, "e2", down("b"))
		settle()
		told := l.told(t)
		require.Len(t, told, 2)
		assert.Equal(t, "e2", told[1]["event"])
		entry, err = bucket.Get(t.Context(), bus.CheckpointKey)
		require.NoError(t, err)
		assert.JSONEq(t, `{"sequence":2}`, string(entry.Value))
		stop()
	})
}
