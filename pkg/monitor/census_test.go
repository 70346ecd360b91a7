package monitor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheCensusIsACountOfTheChecks(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newScene()
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			s.step(r)
			if rapid.Bool().Draw(r, "undo") {
				s.board.Stage(EventMessage{Event: CheckStatusChanged{CheckID: "a", From: StatusUp, To: StatusDown}})
				s.board.Stage(EventMessage{Event: CheckDeleted{CheckID: "b"}})
				s.board.Undo()
			}
			for service, m := range s.board.members {
				var counted census
				for _, c := range s.board.ChecksOf(service) {
					counted.add(&c, 1)
				}
				require.Equal(r, counted, m.census)
			}
		}
	})
}

func TestClonesShareNothingThatChanges(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newScene()
		steps := func() {
			for range rapid.IntRange(1, 30).Draw(r, "steps") {
				s.step(r)
			}
		}
		steps()
		board, tallies := s.board.Clone(), s.tallies.Clone()
		before := snapshotOf(r, board) + snapshotOf(r, tallies)
		require.Equal(r, snapshotOf(r, s.board)+snapshotOf(r, s.tallies), before)
		steps()
		require.Equal(r, before, snapshotOf(r, board)+snapshotOf(r, tallies))
	})
}
