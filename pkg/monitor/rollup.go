package monitor

// RollUp turns the statuses of a service's checks into the service's. Paused checks, those under
// maintenance and those that have not run yet count only when all are such.
func RollUp(policy Rollup, checks []Check) Status {
	counts := make(map[Status]int, len(checks))
	active := 0
	for _, c := range checks {
		if c.Status == StatusPaused || c.Status == StatusMaintenance || c.Pending {
			continue
		}
		counts[c.Status]++
		active++
	}
	if active == 0 {
		return rollUpIdle(checks)
	}
	switch policy {
	case RollupBest:
		return first(counts, StatusUp, StatusDegraded, StatusUnknown, StatusDown)
	case RollupMajority:
		switch {
		case 2*counts[StatusDown] > active:
			return StatusDown
		case 2*counts[StatusUnknown] > active:
			return StatusUnknown
		case counts[StatusUp] < active:
			return StatusDegraded
		}
		return StatusUp
	case RollupWorst:
	}
	return first(counts, StatusDown, StatusDegraded, StatusUnknown, StatusUp)
}

// rollUpIdle is the status of a service none of whose checks says anything of its target.
func rollUpIdle(checks []Check) Status {
	counts := make(map[Status]int, len(checks))
	for _, c := range checks {
		counts[c.Status]++
	}
	return first(counts, StatusUnknown, StatusMaintenance, StatusPaused)
}

// first returns the first status that is counted; unknown when none is.
func first(counts map[Status]int, order ...Status) Status {
	for _, status := range order {
		if counts[status] > 0 {
			return status
		}
	}
	return StatusUnknown
}
