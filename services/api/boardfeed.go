package api

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/vedette/vedette/pkg/readmodel"
)

const (
	// boardTick is the time between two looks at the board, and so the most by which a viewer is late.
	boardTick = 250 * time.Millisecond
	// maxFrames bounds what waits for one viewer; what waits is shared by all of them.
	maxFrames = 240
)

// boardReader answers with everything that a board shows.
type boardReader interface {
	Board(ctx context.Context) (readmodel.Board, error)
}

// boardFeed looks for what has changed on the board, once for all of its viewers, and only while it
// has any.
type boardFeed struct {
	follow func() *readmodel.BoardFollower
	tick   time.Duration

	mu       sync.Mutex
	viewers  map[*viewer]struct{}
	follower *readmodel.BoardFollower
	// last is what was told last of the counts; whole is the board as a frame, nil when it has changed.
	last  readmodel.BoardChange
	whole []byte
	// first is signalled when a first viewer comes.
	first chan struct{}
}

// viewer is one client of the board's stream.
type viewer struct {
	// wake has a value when there is something to take; drop is called once when it takes too little.
	wake chan struct{}
	drop func()

	mu      sync.Mutex
	frames  [][]byte
	dropped bool
}

func newBoardFeed(follow func() *readmodel.BoardFollower) *boardFeed {
	return &boardFeed{follow: follow, tick: boardTick, viewers: make(map[*viewer]struct{}), first: make(chan struct{}, 1)}
}

// run looks until ctx ends.
func (f *boardFeed) run(ctx context.Context) error {
	ticker := time.NewTicker(f.tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if f.look() {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-f.first:
		}
	}
}

// look hands what has changed to the viewers, and reports whether there are any.
func (f *boardFeed) look() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.viewers) == 0 {
		f.follower, f.whole = nil, nil
		return false
	}
	change := f.follower.Next()
	if change.Empty() && change.Incidents == f.last.Incidents && change.Runners == f.last.Runners {
		return true
	}
	f.last, f.whole = change, nil
	text, err := boardFrame("change", change)
	if err != nil { // never: what a row holds can be written
		return true
	}
	for v := range f.viewers {
		v.offer(text)
	}
	return true
}

// join adds a viewer, whose first frame is the whole board.
func (f *boardFeed) join(v *viewer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.follower == nil {
		f.follower = f.follow()
		f.last, f.whole = f.follower.Next(), nil
		select {
		case f.first <- struct{}{}:
		default:
		}
	}
	if f.whole == nil {
		text, err := boardFrame("board", f.follower.Board())
		if err != nil {
			return err
		}
		f.whole = text
	}
	f.viewers[v] = struct{}{}
	v.offer(f.whole)
	return nil
}

func (f *boardFeed) leave(v *viewer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.viewers, v)
}

func boardFrame(kind string, value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("write the board as JSON: %w", err)
	}
	return frame(kind, data), nil
}

func newViewer(drop func()) *viewer { return &viewer{wake: make(chan struct{}, 1), drop: drop} }

func (v *viewer) offer(text []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dropped {
		return
	}
	v.frames = append(v.frames, text)
	if len(v.frames) > maxFrames {
		v.frames, v.dropped = nil, true
		v.drop()
	}
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// take returns what waits; dropped tells that the viewer took too little.
func (v *viewer) take() (frames [][]byte, dropped bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	frames, v.frames = v.frames, nil
	return frames, v.dropped
}
