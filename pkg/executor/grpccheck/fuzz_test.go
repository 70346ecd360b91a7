package grpccheck_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/grpccheck"
	"github.com/vedette/vedette/pkg/monitor"
)

func FuzzPrepare(f *testing.F) {
	f.Add("api.example.org:443", "shop.Orders", "api.example.org", "authorization", "Bearer secret://token")
	f.Add("https://x", "a b", "a/b", "grpc-timeout", "1S")
	f.Add("[::1]:1", "\xff", "[::1]:1", "X-Bin", "\x00")
	f.Fuzz(func(t *testing.T, target, service, authority, name, value string) {
		raw, err := json.Marshal(map[string]any{"service": service, "authority": authority, "metadata": map[string]string{name: value}})
		require.NoError(t, err)
		_, problems := grpccheck.Executor{}.Prepare(monitor.Definition{Target: target, Options: raw})
		for _, p := range problems {
			require.Regexp(t, `^(target|options\.(service|authority|metadata))`, p.Field)
			require.Contains(t, p.Message, ": ")
		}
	})
}
