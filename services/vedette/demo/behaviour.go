package demo

import (
	"hash/fnv"
	"net/http"
	"strings"
	"time"
)

// answer is how a target behaves at a time.
type answer struct {
	status  int
	latency time.Duration
	queue   int
}

// behaviour returns how the target of a name behaves: by the word before the first "-" of it. The same
// function serves what happens and what is made up to have happened.
func behaviour(name string) func(at time.Time) answer {
	kind, _, _ := strings.Cut(name, "-")
	seed := hash(name)
	return func(at time.Time) answer {
		jitter := hash(name + at.Truncate(time.Second).Format(time.RFC3339))
		a := answer{status: http.StatusOK, latency: time.Duration(4+seed%20+jitter%9) * time.Millisecond, queue: int(jitter % 40)}
		switch kind {
		case "slow":
			// For four minutes in nine.
			if (at.Unix()/60+int64(seed%9))%9 < 4 {
				a.latency += time.Duration(260+jitter%220) * time.Millisecond
			}
		case "flapping":
			// Down for one minute in twelve, each at another one.
			if (at.Unix()/60+int64(seed%12))%12 == 0 {
				a.status = http.StatusServiceUnavailable
			}
		case "failing":
			a.status = http.StatusServiceUnavailable
		case "queue":
			a.queue = 60 + int(jitter%44)
		}
		return a
	}
}

func hash(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // never fails, by hash.Hash
	return h.Sum32()
}
