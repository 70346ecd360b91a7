package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// checkOf returns the check that an event is about; empty when it is about none.
func checkOf(e monitor.Event) string {
	if result, ok := monitor.ResultOf(e); ok {
		return result.CheckID
	}
	switch e := e.(type) {
	case monitor.IncidentOpened:
		return e.CheckID
	case monitor.IncidentResolved:
		return e.CheckID
	case monitor.ServiceStatusChanged:
		return e.CheckID
	default:
	}
	if kind, id := e.Aggregate(); kind == "check" {
		return id
	}
	return ""
}

func roleOf(e monitor.Event) Role {
	if _, ok := monitor.ResultOf(e); ok {
		return RoleResult
	}
	switch e.(type) {
	case monitor.CheckStatusChanged:
		return RoleCheckStatus
	case monitor.ServiceStatusChanged:
		return RoleServiceStatus
	case monitor.IncidentOpened, monitor.IncidentResolved:
		return RoleIncident
	case monitor.RunnerJoined, monitor.RunnerLeft:
		return RoleRunner
	default:
	}
	kind, _ := e.Aggregate()
	switch {
	case kind == "notification" && (e.Verb() == "sent" || e.Verb() == "failed"):
		return RoleDelivery
	case kind == "notification":
		return RoleNotification
	}
	return RoleDefinition
}

// sentence says what an event tells.
func sentence(m monitor.EventMessage) string {
	if result, ok := monitor.ResultOf(m.Event); ok {
		return resultSentence(result)
	}
	switch e := m.Event.(type) {
	case monitor.CheckStatusChanged:
		return fmt.Sprintf("Check %s went from %s to %s%s.", e.CheckID, e.From, e.To, because(e))
	case monitor.ServiceStatusChanged:
		text := fmt.Sprintf("Service %s went from %s to %s", e.ServiceID, e.From, e.To)
		if e.CheckID != "" {
			text += " with check " + e.CheckID
		}
		return text + after(": ", e.Reason) + "."
	case monitor.IncidentOpened:
		return fmt.Sprintf("Incident %s opened%s.", e.IncidentID, after(": ", e.Cause))
	case monitor.IncidentResolved:
		return fmt.Sprintf("Incident %s was over after %s: %s.", e.IncidentID, time.Duration(e.DurationMS)*time.Millisecond, e.Resolution)
	case monitor.CorrectionAdded:
		d := e.Definition
		return fmt.Sprintf("%s counts as %s from %s to %s by correction %s: %s.", subjectOf(d), strings.ReplaceAll(string(d.Kind), "_", " "),
			d.From.Format(time.RFC3339), d.To.Format(time.RFC3339), d.ID, d.Reason)
	case monitor.CorrectionWithdrawn:
		return fmt.Sprintf("Correction %s was withdrawn: %s.", e.CorrectionID, e.Reason)
	case monitor.RunnerJoined:
		return fmt.Sprintf("Runner %s joined at location %s.", e.RunnerID, e.Location)
	case monitor.RunnerLeft:
		return fmt.Sprintf("Runner %s left location %s: %s.", e.RunnerID, e.Location, e.Reason)
	default:
	}
	kind, id := m.Event.Aggregate()
	text := strings.ToUpper(kind[:1]) + kind[1:] + " " + id + " was " + strings.ReplaceAll(m.Event.Verb(), "_", " ")
	if m.Revision > 0 {
		text += fmt.Sprintf(", revision %d", m.Revision)
	}
	return text + "."
}

func subjectOf(d monitor.CorrectionDefinition) string {
	if d.Service != "" {
		return "Service " + d.Service
	}
	return "Check " + d.Check
}

func because(e monitor.CheckStatusChanged) string {
	text := after(": ", e.Reason)
	if e.ResultID == "" && e.Position != (monitor.Position{}) {
		text += "; no result decided that, but that none came"
	}
	return text
}

func resultSentence(r monitor.Result) string {
	text := fmt.Sprintf("Check %s was executed from %s: %s in %s", r.CheckID, r.Location, r.Outcome, time.Duration(r.DurationMS*float64(time.Millisecond)).Round(100*time.Microsecond))
	var failed []string
	for _, a := range r.Assertions {
		if !a.Passed {
			failed = append(failed, "assertion "+a.Expression+" did not hold"+after(", actual ", a.Actual)+after(", ", a.Error))
		}
	}
	if len(failed) > 0 {
		return text + ": " + strings.Join(failed, "; ") + "."
	}
	return text + after(": ", r.Error) + "."
}

func after(mark, text string) string {
	if text == "" {
		return ""
	}
	return mark + text
}
