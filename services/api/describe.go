package api

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette/vedette/pkg/explain"
	"github.com/vedette/vedette/pkg/monitor"
)

// schemaName names the schemas. A page of things is called after them.
func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[monitor.Problem]() {
		return "FieldProblem"
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if rest, ok := strings.CutPrefix(name, "Page"); ok && strings.Contains(t.Name(), "[") {
		return rest + "Page"
	}
	return name
}

// describe completes the schemas with what Go types do not say.
func describe(schemas map[string]*huma.Schema) {
	inputs := map[string]bool{"Definition": true, "ServiceDefinition": true, "PageDefinition": true, "CorrectionDefinition": true, "ReplayQuestion": true, "Change": true, "Verification": true}
	for name, schema := range schemas {
		if schema.Type != huma.TypeObject {
			continue
		}
		schema.Description = schemaText()[name]
		for _, more := range []map[string]string{replaySchemas(), causeSchemas(), integritySchemas(), projectionSchemas(), correctionSchemas()} {
			if text, ok := more[name]; ok {
				schema.Description = text
			}
		}
		if inputs[name] {
			schema.Required = map[string][]string{"Definition": {"kind", "service"}, "PageDefinition": {"services"}, "CorrectionDefinition": {"from", "to", "kind", "reason"}, "ReplayQuestion": {"from"}}[name]
		} else {
			schema.AdditionalProperties = nil // more may come in later versions
		}
		for field, property := range schema.Properties {
			describeProperty(name, field, property)
		}
	}
}

func describeProperty(name, field string, p *huma.Schema) {
	text, ok := fieldText()[name+"."+field]
	if !ok {
		text = fieldText()[field]
	}
	if p.Ref == "" { // a reference is described where it leads
		p.Description = text
	}
	p.Nullable = p.Nullable && p.Type != huma.TypeArray
	if values := enumOf(name, field); values != nil {
		p.Enum = values
	}
	switch field {
	case "id", "service", "location":
		if name == "Definition" || name == "ServiceDefinition" || name == "PageDefinition" || name == "CorrectionDefinition" {
			p.Pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"
		}
	case "options":
		p.Type = huma.TypeObject
	}
	if within, ok := bounds()[field]; ok && name == "Definition" {
		p.Minimum, p.Maximum = &within[0], &within[1]
	}
}

// bounds are those of a definition's numbers.
func bounds() map[string]*[2]float64 {
	return map[string]*[2]float64{
		"retries": {0, monitor.MaxRetries}, "failure_threshold": {1, monitor.MaxThreshold},
		"success_threshold": {1, monitor.MaxThreshold}, "quorum": {1, monitor.MaxLocations},
	}
}

func enumOf(name, field string) []any {
	switch {
	case field == "status" && (strings.HasSuffix(name, "View") || name == "Row" || name == "RegisteredCheck" || name == "Service"):
		return anyOf(monitor.Statuses())
	case name == "CausesLink" && field == "role":
		return anyOf(explain.Roles())
	case name == "IntegrityView" && field == "state":
		return []any{integrityWhole, integrityDamaged, integrityUnchecked}
	case field == "kind" && (name == "CorrectionDefinition" || name == "CorrectionView"):
		return anyOf(monitor.CorrectionKinds())
	case field == "worst":
		return anyOf(monitor.Statuses())
	case field == "outcome":
		return anyOf(monitor.Outcomes())
	case field == "rollup":
		return anyOf(monitor.Rollups())
	case field == "trigger":
		return anyOf(monitor.Triggers())
	case name == "Command" && field == "state":
		return []any{stateUndecided, stateAccepted, stateRefused}
	}
	return nil
}

func anyOf[T ~string](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// schemaText describes the schemas.
func schemaText() map[string]string {
	return map[string]string{
		"AuditEntry":         "One change of a definition, and who made it.",
		"AuditPage":          "One page of changes, newest first.",
		"FieldChange":        "What a change did to one field.",
		"AssertionResult":    "One assertion as it was evaluated.",
		"Board":              "Everything that a board shows, as of a time.",
		"Row":                "A check in short, as the board shows it.",
		"Service":            "A service with its status.",
		"ServerInfo":         "What the server is.",
		"ServerLimits":       "What the server allows at once.",
		"PastBeat":           "What results told of a check by an instant.",
		"PastBeatPage":       "What results told of some checks.",
		"CheckView":          "A check as it is read: its definition and status, and what its results tell.",
		"CheckViewPage":      "One page of checks.",
		"Command":            "What became of a command.",
		"Definition":         "What is said of a check. What is left out takes its default.",
		"Event":              "An event: a CloudEvent 1.0 in structured mode.",
		"EventPage":          "One page of events.",
		"HeartbeatAddress":   "Where heartbeats of a check are to be sent.",
		"HeartbeatReport":    "What may come with a heartbeat.",
		"HeartbeatTaken":     "What became of a heartbeat.",
		"RegisteredCheck":    "A check as it is answered to who registered or changed it.",
		"Health":             "The state of the process.",
		"History":            "How many checks had each status over time.",
		"HistoryBucket":      "How everything stood at the end of a bucket, and what happened within it.",
		"IncidentView":       "The time for which a check was down.",
		"IncidentViewPage":   "One page of incidents.",
		"Kind":               "A kind of check.",
		"KindPage":           "The kinds of checks.",
		"LatencyPoint":       "The latency of one step.",
		"LatencySeries":      "The latency of a check over a window.",
		"Overview":           "Counts of checks and services by status.",
		"Position":           "A place in the log of results.",
		"FieldProblem":       "What is wrong with one field, and the cure.",
		"Problem":            "An answer that is not a success: RFC 9457.",
		"Refusal":            "Why a command was refused.",
		"Result":             "The outcome of one execution of a check from one location.",
		"ResultPage":         "One page of results, newest first.",
		"RunnerView":         "A process that executes checks at one location.",
		"RunnerViewPage":     "The runners.",
		"ServiceDefinition":  "What is said of a service. What is left out takes its default.",
		"ServiceView":        "A service as it is read.",
		"ServiceViewPage":    "One page of services.",
		"Timings":            "The phases of an execution. One that did not happen is left out.",
		"Uptime":             "The share of the time with data in which a check was up or degraded, and how much data there was.",
		"UptimeReport":       "The uptime of a check by window.",
		"Variable":           "A name that assertions may use.",
		"WireEntry":          "One line of what a test looked up, connected to, sent and received.",
		"Announcement":       "A word to the readers of a status page.",
		"PageDefinition":     "What is said of a public status page: what is named on it may be seen by anybody.",
		"StatusPageView":     "A public status page as it is read.",
		"StatusPageViewPage": "The public status pages.",
	}
}
