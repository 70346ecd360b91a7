package runner

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/vedette/vedette/pkg/bus"
)

func TestStopFinishesWhatRunsAndReturnsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(2 * time.Second)}
		l := w.link()
		stop := start(t, l, Options{Engine: e, Concurrency: 20})
		w.dispatch(batch("running", 5, time.Now()))
		time.Sleep(500 * time.Millisecond)
		w.dispatch(batch("later", 5, time.Now().Add(300*time.Millisecond)))
		time.Sleep(100 * time.Millisecond)
		begun := time.Now()
		stop()
		assert.Less(t, time.Since(begun), 2*time.Second)
		w.storedOnce(5)
		reports := w.heard()
		assert.True(t, reports[len(reports)-1].Stopping)

		heir := &engine{}
		stop = start(t, w.link(), Options{ID: "heir", Engine: heir})
		time.Sleep(100 * time.Millisecond)
		w.storedOnce(10)
		stop()
		w.stop()
	})
}

func TestStopCutsOffWhatOutlastsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(time.Hour)}
		stop := start(t, w.link(), Options{Engine: e, Concurrency: 20, ShutdownGrace: 5 * time.Second})
		w.dispatch(batch("a", 3, time.Now()))
		time.Sleep(time.Second)
		begun := time.Now()
		stop()
		assert.Equal(t, 5*time.Second, time.Since(begun))
		assert.Empty(t, w.stored(), "an execution that was cut off says nothing")

		stop = start(t, w.link(), Options{ID: "heir", Engine: &engine{}})
		time.Sleep(100 * time.Millisecond)
		w.storedOnce(3)
		stop()
		w.stop()
	})
}

func TestStopWithoutGateReturnsTheBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.set(func(bus.Report) error { return errors.New("nobody there") }, nil)
		e := &engine{}
		stop := start(t, w.link(), Options{Engine: e, ShutdownGrace: 5 * time.Second})
		w.dispatch(batch("a", 3, time.Now()))
		time.Sleep(time.Second)
		begun := time.Now()
		stop()
		assert.Equal(t, 5*time.Second+lastCall, time.Since(begun))

		w.set(nil, nil)
		stop = start(t, w.link(), Options{ID: "heir", Engine: &engine{}})
		time.Sleep(100 * time.Millisecond)
		w.storedOnce(3)
		stop()
		w.stop()
	})
}

func TestBatchPulledDuringTheStopIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e := &engine{execute: slow(3 * time.Second)}
		l := w.link()
		l.stubborn.Store(true)
		stop := start(t, l, Options{Engine: e})
		w.dispatch(batch("a", 1, time.Now()))
		time.Sleep(time.Second)
		go func() {
			time.Sleep(500 * time.Millisecond)
			w.dispatch(batch("b", 1, time.Now()))
		}()
		stop()
		w.storedOnce(1)
		begun, _ := e.executed()
		assert.Equal(t, 1, begun)
		stop = start(t, w.link(), Options{ID: "heir", Engine: &engine{}})
		time.Sleep(100 * time.Millisecond)
		w.storedOnce(2)
		stop()
		w.stop()
	})
}
