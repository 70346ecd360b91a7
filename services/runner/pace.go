package runner

import "time"

// lookahead is how early batches come: the time within which what waits will be due.
const lookahead = 300 * time.Millisecond

// maxAhead bounds how many executions may wait for each worker.
const maxAhead = 32

// pace says how much a runner takes in hand. Pulling stops while every worker is taken, and holds no
// more waiting executions than the workers can begin within the lookahead, judged by how long
// executions took lately: what one runner cannot begin in time is another's.
type pace struct {
	workers int
	// mean is the moving average of the time that an execution takes.
	mean time.Duration
}

func newPace(workers int) pace { return pace{workers: workers, mean: lookahead} }

func (p *pace) observe(took time.Duration) {
	p.mean += (took - p.mean) / 32
}

// room reports whether one more pull may be opened. An open pull counts as one execution.
func (p *pace) room(running, ready, waiting, openPulls int) bool {
	if running+ready+openPulls >= p.workers {
		return false
	}
	ahead := min(max(1, int(lookahead/max(p.mean, time.Millisecond))), maxAhead)
	return running+ready+waiting+openPulls < p.workers*ahead
}
