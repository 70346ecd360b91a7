package api

import "maps"

// fieldText describes the fields of the schemas: by "Schema.field" where a name means different
// things, else by "field".
func fieldText() map[string]string {
	all := make(map[string]string)
	for _, some := range []map[string]string{
		definitionFields(), viewFields(), resultFields(), assertionFields(), uptimeFields(), boardFields(),
		eventFields(), problemFields(), systemFields(), replayFields(), changeFields(), rowFields(),
		causeFields(), integrityFields(), heartbeatFields(), pastFields(), projectionFields(), pageFields(), correctionFields(),
		serverFields(),
	} {
		maps.Copy(all, some)
	}
	return all
}

func definitionFields() map[string]string {
	return map[string]string{
		"id":                "Chosen by the client, or made from the name; it never changes.",
		"name":              "For people; the id without one.",
		"service":           "Id of the service.",
		"kind":              "Kind of the check: `http`, `dns`, …; `/api/v1/kinds` lists them.",
		"target":            "What is looked at; what that is depends on the kind.",
		"options":           "Options of the kind.",
		"assertions":        "CEL expressions over what was observed; all must hold.",
		"interval":          "Time between executions, `1s` to `24h`, of heartbeats to `168h`; `30s` by default. Absent with `cron`.",
		"cron":              "Instead of an interval: minute, hour, day, month and weekday.",
		"grace":             "How long after it was expected a heartbeat may come, `1s` to `168h`, `1m` by default. Of kind `heartbeat` only.",
		"time_zone":         "In which `cron` is read: an IANA name, UTC by default.",
		"stale_after":       "How long after the last result it becomes unknown, more than `interval` and `timeout` together, at most `720h`. Absent is two intervals, a timeout and a grace.",
		"timeout":           "Bounds one attempt, `10ms` to `5m`; `10s` by default, or what the interval leaves.",
		"retries":           "How often a failed attempt is repeated within an execution, 0 to 10.",
		"retry_delay":       "Time between attempts.",
		"failure_threshold": "Failures in a row that make a location down, 1 to 100.",
		"success_threshold": "Successes in a row that end that, 1 to 100.",
		"degraded_after":    "A slower success is degraded; absent is off.",
		"invert":            "Swaps success and failure.",
		"locations":         "Where it is executed from, `default` by default.",
		"quorum":            "How many locations must be down for the check to be.",
		"labels":            "Labels, to select by.",
		"paused":            "Whether it is not executed.",
		"description":       "For people.",
		"rollup":            "How the statuses of its checks become its own.",
	}
}

func heartbeatFields() map[string]string {
	return map[string]string{
		"heartbeat":                 "Where its heartbeats are to be sent: shown once, when a token was made.",
		"HeartbeatAddress.token":    "Proves who sends; only its digest is kept.",
		"HeartbeatAddress.path":     "Address on this server, by GET or POST.",
		"HeartbeatTaken.check":      "Id of the check.",
		"HeartbeatTaken.signal":     "What was sent.",
		"HeartbeatTaken.counted":    "Whether it became a result. A start does not, nor anything for a paused check.",
		"HeartbeatTaken.outcome":    "Outcome of the result.",
		"HeartbeatTaken.note":       "Why it is not counted, or what the outcome is due to.",
		"HeartbeatReport.message":   "What to say with it; 1,000 bytes are kept.",
		"HeartbeatReport.duration":  "How long the work took: a text such as `3m20s`, or a number of seconds.",
		"HeartbeatReport.exit_code": "Exit code of the work, 0 to 255.",
		"Kind.pushed":               "True of a kind that nobody executes: what is watched reports by itself.",
	}
}

func pageFields() map[string]string {
	return map[string]string{
		"title":                   "For people; the id without one.",
		"services":                "Ids of the services, in the order in which they are shown.",
		"show_causes":             "Whether readers are told why an incident was opened, which may tell of addresses inside.",
		"announcements":           "What is told to the readers.",
		"Announcement.text":       "More of it.",
		"Announcement.at":         "When it is about.",
		"Announcement.until":      "When it has nothing to say any more; absent for never.",
		"StatusPageView.sequence": "Place in the events that this view has reached.",
	}
}

func viewFields() map[string]string {
	return map[string]string{
		"revision":       "Counts the changes of the definition; it is the ETag. It does not move with the status.",
		"status":         "What the board shows. `unknown` is no data, or none recent enough; it is never counted as up.",
		"status_since":   "Since when it has that status.",
		"created_at":     "When it was registered.",
		"updated_at":     "When its definition last changed.",
		"decided_at":     "Place in the log of results at which the status was decided.",
		"incident":       "Id of the open incident.",
		"reason":         "Why the status is what it is.",
		"pending":        "True until the first decision: it is unknown because it is new.",
		"sequence":       "Place in the events that this view has reached.",
		"last_result":    "The latest result.",
		"uptime":         "By window: `24h`, `7d`, `30d`, `90d`.",
		"recent":         "The latest executions, oldest first, a letter each: U up, G degraded, D failed, E could not run, - missed.",
		"latency_ms":     "Latency of the last result in milliseconds.",
		"checks":         "Ids of its checks.",
		"items":          "The page.",
		"next_cursor":    "For the next page; absent on the last one.",
		"total":          "How many there are on all pages.",
		"open_incidents": "How many incidents are open.",
	}
}

func resultFields() map[string]string {
	return map[string]string{
		"Result.id":       "Of the execution: check, revision, due time and location.",
		"check_id":        "Id of the check.",
		"location":        "Where from.",
		"runner":          "Id of the runner.",
		"due_at":          "When the timetable wanted it.",
		"started_at":      "When it began.",
		"next_due_at":     "When the next one is due; absent outside the timetable.",
		"duration_ms":     "Latency of the last attempt in milliseconds.",
		"outcome":         "`failure`: the target answered wrongly or not at all. `error`: the check itself could not run; that never counts as down.",
		"wire":            "What went over the wire, of tests only, without secrets; some 8 KiB of it.",
		"WireEntry.at_ms": "When, in milliseconds from the beginning.",
		"WireEntry.what":  "lookup, connect, tls, sent, received, attempt or more.",
		"WireEntry.text":  "What was looked up or connected to, or the beginning of what was sent or received; what cannot be shown is written as \\xHH.",
		"WireEntry.bytes": "How many bytes were sent or received.",
		"attempts":        "How often the target was asked.",
		"observed":        "What was seen, by variable of the kind.",
		"timings":         "The phases.",
		"error":           "In plain words why the outcome is failure or error, or what a kind warns of when it is degraded; empty on success.",
		"trigger":         "What asked for it: the timetable, somebody by hand, or a test.",
		"dns_ms":          "Looking the name up, in milliseconds.", "connect_ms": "Connecting, in milliseconds.", "tls_ms": "Agreeing on TLS, in milliseconds.",
		"first_byte_ms": "Waiting for the first byte, in milliseconds.", "transfer_ms": "Reading the rest, in milliseconds.",
	}
}

func assertionFields() map[string]string {
	return map[string]string{
		"expression":            "The expression.",
		"passed":                "Whether it held.",
		"actual":                "The actual value, where it did not hold.",
		"AssertionResult.error": "Why it could not be evaluated.",
	}
}

func uptimeFields() map[string]string {
	return map[string]string{
		"ratio":    "From 0 to 1; null without data.",
		"coverage": "Share of the expected executions that ran, from 0 to 1.",
		"expected": "How many executions were expected.", "up": "How many succeeded.", "degraded": "How many were slow.",
		"down": "How many failed.", "errors": "How many could not run.", "late": "How many came too late to count.",
		"windows": "By window: `24h`, `7d`, `30d`, `90d`.", "window": "How far back.", "step": "Time between points.",
		"points": "Oldest first; a step without results has none.", "LatencyPoint.at": "Beginning of the step.", "count": "How many results.",
		"p50_ms": "Half were faster; milliseconds.", "p95_ms": "95 of 100 were faster; milliseconds.", "p99_ms": "99 of 100 were faster; milliseconds.",
	}
}

func boardFields() map[string]string {
	return map[string]string{
		"IncidentView.id":          "Its check's id, and a number.",
		"opened_at":                "When the check went down.",
		"resolved_at":              "When it ended; absent while it is open.",
		"cause":                    "What failed.",
		"resolution":               "How it ended: recovered, paused or deleted.",
		"IncidentView.duration_ms": "How long it was, in milliseconds; absent while it is open.",
		"RunnerView.id":            "Of the process.",
		"host":                     "Name of the machine.", "version": "Of the program.", "concurrency": "How many checks it executes at once.",
		"joined_at": "When it was first heard of.", "left_at": "When it left; absent while it is at work.",
		"RunnerView.reason": "Why it left: stopped or silent.",
		"Overview.checks":   "Number of checks by status.", "services": "Number of services by status.", "runners": "How many runners are at work.",
	}
}

func rowFields() map[string]string {
	return map[string]string{
		"finding":       "In short what the last result found when it failed: a status code, an actual value, or the beginning of the error.",
		"uptime_24h":    "From 0 to 1, of 24 hours; null without data.",
		"corrected_24h": "True where corrections made a difference to the uptime.",
		"coverage_24h":  "Share of the expected executions of 24 hours that ran, from 0 to 1.",
		"Board.at":      "As of when.", "Board.checks": "Every check, by id.", "Board.services": "Every service, by id.", "Board.runners": "How many runners are at work.",
	}
}

func eventFields() map[string]string {
	return map[string]string{
		"specversion": "Always `1.0`.", "Event.id": "UUIDv7 of the event.", "type": "What happened, with its version.", "source": "The part that wrote it.",
		"subject": "What it is about: KIND/ID.", "time": "When it was written.", "datacontenttype": "Always `application/json`.",
		"Event.sequence": "Place in its log, as a string.", "commandid": "The command that caused it.", "causationid": "The message that directly caused it.",
		"correlationid": "Shared by all that goes back to the same cause.", "actor": "Who asked.", "data": "Depends on the type.",
	}
}

func problemFields() map[string]string {
	return map[string]string{
		"Problem.type": "Names the kind of problem; /docs explains it.", "title": "The status in words.", "Problem.status": "The status code.",
		"detail": "What is wrong, and the cure.", "instance": "The address that was asked for.", "Problem.errors": "Every field that is wrong.",
		"field": "Name of the field, such as `interval`, `options.method` or `assertions[1]`.", "message": "What is wrong with it, and the cure.",
		"Refusal.code": "The reason.", "problems": "Every field that is wrong.", "Refusal.message": "The reason in words.",
	}
}

func systemFields() map[string]string {
	return map[string]string{
		"state":      "Whether it was decided, and how.",
		"command_id": "Id of the command.", "aggregate": "Kind of what it is about.", "Command.id": "Id of what it is about.",
		"Command.revision": "Of the definition, afterwards.", "Command.sequence": "Place in the events at which the effect shows.",
		"refusal": "Why it was refused.",
		"events":  "Place reached in the events; 0 where it does not read them.", "results": "Place reached in the results; 0 where it does not read them.",
		"flushed_at":         "When it was last written.",
		"rebuilding":         "Whether it is being built anew; until then it shows what it has so far.",
		"Kind.name":          "As definitions say it.",
		"summary":            "What it does.",
		"Kind.title":         "For people.",
		"Kind.target":        "What a target is.",
		"example":            "A target.",
		"variables":          "What assertions may use.",
		"Kind.options":       "JSON Schema of the options.",
		"Variable.name":      "As expressions say it.",
		"Variable.type":      "Its type in CEL.",
		"help":               "What it holds.",
		"Health.status":      "`ok` or `ready`.",
		"Position.sequence":  "Of the message.",
		"index":              "Of the result in the message.",
		"ServiceView.checks": "Ids of its checks, sorted.",
	}
}
