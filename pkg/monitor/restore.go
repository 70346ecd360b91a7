package monitor

// PutCheck, PutService and PutPage set an aggregate as it was read from a read model, so that a fold can go
// on from there. What only a decider needs of it is not known afterwards.
func (b *Board) PutCheck(c Check) {
	if before := b.checks[c.ID]; before != nil {
		b.leave(before)
	}
	state := &checkState{Check: c}
	b.checks[c.ID] = state
	b.join(state)
}

// PutPage is described at PutCheck.
func (b *Board) PutPage(p Page) { b.pages[p.ID] = &pageState{Page: p} }

// PutService is described at PutCheck.
func (b *Board) PutService(s Service) { b.services[s.ID] = &serviceState{Service: s} }
