package monitor

// Command asks for a change. The set is sealed.
//
//sumtype:decl
type Command interface {
	// Type is the literal wire name with its version, "vedette.check.register.v1".
	Type() string
	// Aggregate is what the command is about: its kind ("check", "service", "execution") and id.
	Aggregate() (kind, id string)
	// Verb is the last token of the command's subject: "register".
	Verb() string
	sealedCommand()
}

// RegisterCheck asks for a new check.
type RegisterCheck struct {
	Definition Definition `json:"definition"`
}

// UpdateCheck replaces the definition of a check.
type UpdateCheck struct {
	Definition Definition `json:"definition"`
	// ExpectedRevision refuses the update unless the check is at it; 0 expects nothing.
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// DeleteCheck removes a check; its history is kept.
type DeleteCheck struct {
	CheckID          string `json:"check_id"`
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// PauseCheck stops the executions of a check.
type PauseCheck struct {
	CheckID          string `json:"check_id"`
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// ResumeCheck starts them again.
type ResumeCheck struct {
	CheckID          string `json:"check_id"`
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// RegisterService asks for a new service.
type RegisterService struct {
	Definition ServiceDefinition `json:"definition"`
}

// UpdateService replaces the definition of a service.
type UpdateService struct {
	Definition       ServiceDefinition `json:"definition"`
	ExpectedRevision uint64            `json:"expected_revision,omitempty"`
}

// DeleteService removes a service without checks.
type DeleteService struct {
	ServiceID        string `json:"service_id"`
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// RegisterPage asks for a new public status page.
type RegisterPage struct {
	Definition PageDefinition `json:"definition"`
}

// UpdatePage replaces the definition of a page, its announcements included.
type UpdatePage struct {
	Definition       PageDefinition `json:"definition"`
	ExpectedRevision uint64         `json:"expected_revision,omitempty"`
}

// DeletePage removes a page; nobody can see it any more.
type DeletePage struct {
	PageID           string `json:"page_id"`
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// AddCorrection asks to have a past span counted otherwise than it was found.
type AddCorrection struct {
	Definition CorrectionDefinition `json:"definition"`
}

// WithdrawCorrection takes a correction back; what was found counts again.
type WithdrawCorrection struct {
	CorrectionID string `json:"correction_id"`
	// Reason says why, in 1 to MaxReason bytes.
	Reason           string `json:"reason"`
	ExpectedRevision uint64 `json:"expected_revision,omitempty"`
}

// ExecuteChecks asks the runners of one location to execute checks: what the scheduler sends when
// they are due, at most MaxBatch at once, and what "run now" and "test" send for one check.
type ExecuteChecks struct {
	Location   string      `json:"location"`
	Executions []Execution `json:"executions"`
	// Fence is the revision of the scheduler's lease; a runner drops batches with a lower one than
	// it has seen, so that a scheduler that lost its lease cannot go on. 0 for run now and test.
	Fence uint64 `json:"fence,omitempty"`
}

// MaxBatch is the most executions in one ExecuteChecks.
const MaxBatch = 100

func (RegisterCheck) Type() string      { return "vedette.check.register.v1" }
func (UpdateCheck) Type() string        { return "vedette.check.update.v1" }
func (DeleteCheck) Type() string        { return "vedette.check.delete.v1" }
func (PauseCheck) Type() string         { return "vedette.check.pause.v1" }
func (ResumeCheck) Type() string        { return "vedette.check.resume.v1" }
func (RegisterService) Type() string    { return "vedette.service.register.v1" }
func (UpdateService) Type() string      { return "vedette.service.update.v1" }
func (DeleteService) Type() string      { return "vedette.service.delete.v1" }
func (RegisterPage) Type() string       { return "vedette.page.register.v1" }
func (UpdatePage) Type() string         { return "vedette.page.update.v1" }
func (DeletePage) Type() string         { return "vedette.page.delete.v1" }
func (AddCorrection) Type() string      { return "vedette.correction.add.v1" }
func (WithdrawCorrection) Type() string { return "vedette.correction.withdraw.v1" }
func (ExecuteChecks) Type() string      { return "vedette.execution.execute.v1" }

func (c RegisterCheck) Aggregate() (kind, id string)      { return "check", c.Definition.ID }
func (c UpdateCheck) Aggregate() (kind, id string)        { return "check", c.Definition.ID }
func (c DeleteCheck) Aggregate() (kind, id string)        { return "check", c.CheckID }
func (c PauseCheck) Aggregate() (kind, id string)         { return "check", c.CheckID }
func (c ResumeCheck) Aggregate() (kind, id string)        { return "check", c.CheckID }
func (c RegisterService) Aggregate() (kind, id string)    { return "service", c.Definition.ID }
func (c UpdateService) Aggregate() (kind, id string)      { return "service", c.Definition.ID }
func (c DeleteService) Aggregate() (kind, id string)      { return "service", c.ServiceID }
func (c RegisterPage) Aggregate() (kind, id string)       { return "page", c.Definition.ID }
func (c UpdatePage) Aggregate() (kind, id string)         { return "page", c.Definition.ID }
func (c DeletePage) Aggregate() (kind, id string)         { return "page", c.PageID }
func (c AddCorrection) Aggregate() (kind, id string)      { return "correction", c.Definition.ID }
func (c WithdrawCorrection) Aggregate() (kind, id string) { return "correction", c.CorrectionID }
func (c ExecuteChecks) Aggregate() (kind, id string)      { return "execution", c.Location }

func (RegisterCheck) Verb() string      { return "register" }
func (UpdateCheck) Verb() string        { return "update" }
func (DeleteCheck) Verb() string        { return "delete" }
func (PauseCheck) Verb() string         { return "pause" }
func (ResumeCheck) Verb() string        { return "resume" }
func (RegisterService) Verb() string    { return "register" }
func (UpdateService) Verb() string      { return "update" }
func (DeleteService) Verb() string      { return "delete" }
func (RegisterPage) Verb() string       { return "register" }
func (UpdatePage) Verb() string         { return "update" }
func (DeletePage) Verb() string         { return "delete" }
func (AddCorrection) Verb() string      { return "add" }
func (WithdrawCorrection) Verb() string { return "withdraw" }
func (ExecuteChecks) Verb() string      { return "execute" }

func (RegisterCheck) sealedCommand()      {}
func (UpdateCheck) sealedCommand()        {}
func (DeleteCheck) sealedCommand()        {}
func (PauseCheck) sealedCommand()         {}
func (ResumeCheck) sealedCommand()        {}
func (RegisterService) sealedCommand()    {}
func (UpdateService) sealedCommand()      {}
func (DeleteService) sealedCommand()      {}
func (RegisterPage) sealedCommand()       {}
func (UpdatePage) sealedCommand()         {}
func (DeletePage) sealedCommand()         {}
func (AddCorrection) sealedCommand()      {}
func (WithdrawCorrection) sealedCommand() {}
func (ExecuteChecks) sealedCommand()      {}

// Commands returns the zero value of every command: the codec and the docs are built from it.
func Commands() []Command {
	return []Command{
		RegisterCheck{}, UpdateCheck{}, DeleteCheck{}, PauseCheck{}, ResumeCheck{},
		RegisterService{}, UpdateService{}, DeleteService{}, RegisterPage{}, UpdatePage{}, DeletePage{},
		AddCorrection{}, WithdrawCorrection{}, ExecuteChecks{},
	}
}
