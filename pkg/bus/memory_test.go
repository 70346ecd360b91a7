package bus_test

import (
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type memoryRunner struct {
	bus.ExecutionSource
	bus.Ingest
}

func TestMemory(t *testing.T) {
	bustest.Suite{
		Around: func(t *testing.T, test func(*testing.T)) {
			t.Helper()
			synctest.Test(t, test)
		},
		Open: func(*testing.T) bustest.Door {
			m := bus.NewMemory()
			return bustest.Door{
				Bus:    m,
				Runner: func(_ *testing.T, location string) bustest.Runner { return memoryRunner{m.Source(location), m} },
				Revoke: func(_ *testing.T, lease string) { m.Revoke(lease) },
			}
		},
	}.Run(t)
}
