package monitor

// RollUp turns the statuses of a service's checks into the service's. Paused checks, those under
// maintenance and those that have not run yet count only when all are such.
func RollUp(policy Rollup, checks []Check) Status {
	var c census
	for i := range checks {
		c.add(&checks[i], 1)
	}
	return c.rollUp(policy)
}

// census counts checks by status: those that say something of their target, and those that do not.
// The board keeps one per service, so that one check's change costs the same however many there are.
type census struct {
	active, idle [statuses]int
}

// statuses is how many there are.
const statuses = 6

// place is the status's index in a census.
func (s Status) place() int {
	switch s {
	case StatusDown:
		return 0
	case StatusDegraded:
		return 1
	case StatusUp:
		return 2
	case StatusMaintenance:
		return 3
	case StatusPaused:
		return 4
	case StatusUnknown:
		return 5
	}
	return 5
}

// add counts a check n times more; -1 takes it out.
func (c *census) add(check *Check, n int) {
	if check.Status == StatusPaused || check.Status == StatusMaintenance || check.Pending {
		c.idle[check.Status.place()] += n
		return
	}
	c.active[check.Status.place()] += n
}

func (c *census) rollUp(policy Rollup) Status {
	active := 0
	for _, n := range c.active {
		active += n
	}
	if active == 0 { // none of the checks says anything of its target
		return first(c.idle, StatusUnknown, StatusMaintenance, StatusPaused)
	}
	switch policy {
	case RollupBest:
		return first(c.active, StatusUp, StatusDegraded, StatusUnknown, StatusDown)
	case RollupMajority:
		switch {
		case 2*c.active[StatusDown.place()] > active:
			return StatusDown
		case 2*c.active[StatusUnknown.place()] > active:
			return StatusUnknown
		case c.active[StatusUp.place()] < active:
			return StatusDegraded
		}
		return StatusUp
	case RollupWorst:
	}
	return first(c.active, StatusDown, StatusDegraded, StatusUnknown, StatusUp)
}

// first returns the first status that is counted; unknown when none is.
func first(counts [statuses]int, order ...Status) Status {
	for _, status := range order {
		if counts[status.place()] > 0 {
			return status
		}
	}
	return StatusUnknown
}
