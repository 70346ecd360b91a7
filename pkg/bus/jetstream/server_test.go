package jetstream_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/bus/jetstream"
)

func TestSettingsOfAConnectionAreRefusedWithTheirNames(t *testing.T) {
	dir := t.TempDir()
	missing, empty, text := filepath.Join(dir, "missing"), filepath.Join(dir, "empty"), filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(text, []byte("no certificate"), 0o600))
	for name, c := range map[string]struct {
		server jetstream.Server
		says   []string
	}{
		"creds missing":    {jetstream.Server{Creds: missing}, []string{"creds", missing}},
		"creds empty":      {jetstream.Server{Creds: empty}, []string{"creds", empty}},
		"creds unreadable": {jetstream.Server{Creds: text}, []string{"creds", text}},
		"ca missing":       {jetstream.Server{CA: missing}, []string{"ca", missing}},
		"ca is none":       {jetstream.Server{CA: text}, []string{"ca", "PEM"}},
		"cert without key": {jetstream.Server{Cert: text}, []string{"cert", "both"}},
		"cert is none":     {jetstream.Server{Cert: text, Key: text}, []string{"cert", text}},
		"two ways in":      {jetstream.Server{User: "a", Token: "b"}, []string{"alternatives"}},
		"bad scheme":       {jetstream.Server{URL: "http://127.0.0.1:4222"}, []string{"nats-url", "nats://"}},
		"bad url":          {jetstream.Server{URL: "nats://127.0.0.1:4222,nats://[::1"}, []string{"nats-url"}},
		"all at once":      {jetstream.Server{URL: "nats://", Creds: missing, CA: missing}, []string{"nats-url", "creds", "ca"}},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, err := jetstream.Connect(t.Context(), jetstream.Config{Server: c.server})
			for _, text := range c.says {
				require.ErrorContains(t, err, text)
			}
			require.Less(t, time.Since(begun), 2*time.Second, "no waiting for what never comes")
		})
	}
	_, err := jetstream.ConnectRunner(t.Context(), jetstream.RunnerConfig{Location: "No Place"})
	require.ErrorContains(t, err, "location")
}

func TestAServerThatIsNotThereIsWaitedFor(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := jetstream.Connect(ctx, jetstream.Config{Server: jetstream.Server{URL: "nats://ann:secret@127.0.0.1:1"}})
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.NotContains(t, err.Error(), "secret")
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
	require.Less(t, time.Since(begun), 5*time.Second)
}

func TestAWrongPasswordIsNotWaitedFor(t *testing.T) {
	l := listen(t)
	_, err := jetstream.Connect(t.Context(), jetstream.Config{Server: jetstream.Server{URL: l.server.ClientURL(), User: "vedette", Password: "guess"}})
	require.ErrorContains(t, err, "Authorization")
}
