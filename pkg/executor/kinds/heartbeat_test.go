package kinds_test

import (
	"strings"
	"testing"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

func heartbeatSubject() executortest.Subject {
	return executortest.Subject{
		Serve: func(*testing.T) monitor.Definition {
			return monitor.Definition{Kind: "heartbeat", Target: "nightly backup of db1"}
		},
		BadOptions: map[string]string{
			`{"token_sha256":"abc"}`:                             "options.token_sha256",
			`{"token_sha256":"` + strings.Repeat("x", 64) + `"}`: "options.token_sha256",
		},
	}
}
