package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/chain"
)

// verifyWait bounds a verification whose client is told nothing before the end.
const verifyWait = time.Minute

// IntegrityView is what is known of the event log.
type IntegrityView struct {
	// State is "whole", "damaged" or "unchecked".
	State string `json:"state"`
	// Report is what the last verification found; absent before the first.
	Report *VerificationReport `json:"report,omitempty"`
}

// VerificationReport is what a verification found.
type VerificationReport chain.Report

// The states of the event log.
const (
	integrityWhole     = "whole"
	integrityDamaged   = "damaged"
	integrityUnchecked = "unchecked"
)

// Verification is what a verification is asked for.
type Verification struct {
	// Expect are heads that were kept elsewhere.
	Expect []string `json:"expect,omitempty"`
}

// VerifyProgress is how far a verification has come.
type VerifyProgress struct {
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

type verifyRun struct {
	Payload payload
}

func (s *server) integrityRoutes(d *document) {
	report := exampleVerification()
	register(d, operation{
		id: "get-integrity", method: http.MethodGet, path: "/integrity", tag: tagSystem, summary: "Ask whether the event log is as it was written",
		description: "What the last verification found, in whichever process: one is made at start, and every hour. With damage the " +
			"event log is read-only, and writes are answered with 503.",
		answer: IntegrityView{State: integrityWhole, Report: &report},
	}, func(context.Context, *struct{}) (*answer, error) {
		return &answer{Status: http.StatusOK, Body: s.integrity()}, nil
	})
	register(d, operation{
		id: "verify", method: http.MethodPost, path: "/verify", tag: tagSystem, summary: "Verify the event log",
		description: "Reads all events and compares them with the hash chain that is kept beside them, and with the heads in `expect`, " +
			"which were kept elsewhere (`head` of an earlier report): nobody who can change both the log and the chain gets past these.\n\n" +
			"With damage the event log is read-only from then on, until a verification finds it whole. With `Accept: text/event-stream` " +
			"the answer is a stream: `progress`, then one `report`, or one `problem`. Without it the answer comes within a minute or not at all.",
		answer: report, body: Verification{Expect: []string{report.Head.String()}},
		errors: []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusGatewayTimeout, http.StatusNotImplemented, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, s.verify)
	op := d.api.OpenAPI().Paths[base+"/verify"].Post
	op.Responses["200"].Content["text/event-stream"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}, Example: exampleVerifyStream}
}

const exampleVerifyStream = "event: progress\ndata: {\"done\":5000,\"total\":18420}\n\nevent: report\ndata: {\"whole\":true,\"events\":18420,…}\n\n"

// integrity is what is known of the event log.
func (s *server) integrity() IntegrityView {
	if s.opt.Integrity == nil {
		return IntegrityView{State: integrityUnchecked}
	}
	found, ok := s.opt.Integrity.Integrity()
	report := VerificationReport(found)
	switch {
	case !ok:
		return IntegrityView{State: integrityUnchecked}
	case report.Whole:
		return IntegrityView{State: integrityWhole, Report: &report}
	}
	return IntegrityView{State: integrityDamaged, Report: &report}
}

// readOnly says why nothing can be written; empty when it can.
func (s *server) readOnly() string {
	if state := s.integrity(); state.State == integrityDamaged {
		report := chain.Report(*state.Report)
		return "the event log is damaged: " + report.Reason()
	}
	return ""
}

// expected reads the heads that a verification is to compare with. No body is none.
func expected(raw []byte) (heads []chain.Head, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	object, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	var asked struct {
		Expect []string `json:"expect"`
	}
	problems := decodeFields(object, &asked)
	for _, text := range asked.Expect {
		head, err := chain.ParseHead(text)
		if err != nil {
			problems.Add("expect", "%v", err)
		}
		heads = append(heads, head)
	}
	if len(heads) > maxExpected {
		problems.Add("expect", "%d heads: name at most %d", len(heads), maxExpected)
	}
	return heads, problems.Err()
}

// maxExpected bounds the heads that one verification compares with.
const maxExpected = 100

func (s *server) takeVerification() (release func(), err error) {
	if s.opt.Integrity == nil {
		return nil, problem(http.StatusNotImplemented, "integrity", "the event log of this server is kept in memory, and cannot be verified")
	}
	release, ok := s.verifications.take()
	if !ok {
		return nil, problem(http.StatusTooManyRequests, "busy", "the event log is being verified already: try again").after(5 * time.Second)
	}
	return release, nil
}

func (s *server) verify(ctx context.Context, in *verifyRun) (*answer, error) {
	heads, err := expected(in.Payload.raw)
	if err != nil {
		return nil, err
	}
	release, err := s.takeVerification()
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, verifyWait)
	defer cancel()
	report, err := s.opt.Integrity.Verify(ctx, heads, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, problem(http.StatusGatewayTimeout, "verify", "the event log was not read within %s: ask with Accept: text/event-stream", verifyWait)
	}
	return &answer{Status: http.StatusOK, Body: report}, err
}

// verifyStream serves POST /api/v1/verify for clients that want to be told how far it has come.
func (s *server) verifyStream(c *fiber.Ctx) error {
	if !wantsTelling(c) {
		return c.Next()
	}
	heads, err := expected(c.Body())
	if err != nil {
		return err
	}
	release, err := s.takeVerification()
	if err != nil {
		return err
	}
	s.tellOf(c, long{
		name: "verification", kind: "report", begun: VerifyProgress{}, release: release,
		run: func(ctx context.Context, progress func(any)) (any, error) {
			return s.opt.Integrity.Verify(ctx, heads, func(done, total uint64) { progress(VerifyProgress{Done: done, Total: total}) })
		},
	})
	return nil
}

func exampleVerification() VerificationReport {
	head := chain.Head{Sequence: 1842}
	for i := range head.Hash {
		head.Hash[i] = byte(i * 7)
	}
	return VerificationReport{Whole: true, Events: 1842, First: 1, Last: 1842, Head: head, Compared: 1842, Damage: []chain.Damage{}, CheckedAt: exampleTime(0), TookMS: 41}
}

func integritySchemas() map[string]string {
	return map[string]string{
		"IntegrityView": "What is known of the event log.", "Verification": "What a verification is asked for.",
		"VerificationReport": "What a verification found.", "Damage": "Something wrong with one event, or with several in a row.",
	}
}

func integrityFields() map[string]string {
	return map[string]string{
		"IntegrityView.state":  "`whole`, `damaged`: it is read-only, or `unchecked`: no verification has ended yet.",
		"IntegrityView.report": "What the last verification found; absent before the first.",
		"expect":               "Heads that were kept elsewhere, `SEQUENCE:HASH`; 100 at most.",
		"whole":                "Whether nothing is wrong.", "VerificationReport.events": "How many events were read.",
		"first": "Sequence of the first event.", "last": "Sequence of the last event.",
		"head":     "The head of the chain after the last event, `SEQUENCE:HASH`: keep it elsewhere, and compare.",
		"compared": "The last event that was compared with the chain; later ones are not in it yet.",
		"damage":   "What is wrong, the first hundred of it.", "damaged": "How many events something is wrong with.",
		"checked_at": "When the verification ended.", "took_ms": "How many milliseconds it took.",
		"Damage.sequence": "Sequence of the event.", "Damage.until": "The last of several in a row.", "Damage.what": "What is wrong with each.",
		"read_only": "Why nothing can be changed: what is wrong with the event log. Absent while it is whole.",
	}
}
