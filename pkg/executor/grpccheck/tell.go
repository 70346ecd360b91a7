package grpccheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/vedette/vedette/pkg/executor"
)

// tell takes down what is asked, as it is before it is framed and compressed.
func (p *probe) tell(tools executor.Tools, sent metadata.MD) {
	if tools.Wire != nil {
		tools.Wire.Sent(fmt.Sprintf("%s service %q\n%s", health.Health_Check_FullMethodName, p.options.Service, lines(sent)))
	}
}

// tellAnswer takes down what came back, if anything did.
func tellAnswer(tools executor.Tools, status string, received metadata.MD, err error) {
	switch {
	case tools.Wire == nil, err != nil && len(received) == 0:
	case err != nil:
		tools.Wire.Received(lines(received) + err.Error())
	default:
		tools.Wire.Received(lines(received) + "status " + status)
	}
}

// lines writes metadata as headers are written.
func lines(all metadata.MD) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, value := range all[name] {
			out.WriteString(name + ": " + value + "\n")
		}
	}
	return out.String()
}
