package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/client"
)

// A job reports, falls silent, and reports again: the check goes up, down with an incident, and up.
func TestAJobThatFallsSilent(t *testing.T) {
	p := up(t)
	c, err := client.New(p.base, "", "test")
	require.NoError(t, err)
	defer c.Close()
	create(t, p, "services", `{"id":"db"}`)
	check, err := c.RegisterCheck(t.Context(), client.Object{"id": "backup", "service": "db", "kind": "heartbeat", "interval": "2s", "grace": "1s"})
	require.NoError(t, err)
	address, ok := c.HeartbeatAddress(check)
	require.True(t, ok)
	beat := func(signal string) string {
		response, err := http.Post(address+signal, "text/plain", strings.NewReader("812 files"))
		require.NoError(t, err)
		defer func() { require.NoError(t, response.Body.Close()) }()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, string(text))
		return string(text)
	}
	beat("/start")
	require.Contains(t, beat(""), `"outcome":"success"`)
	awaitStatus(t, c, "backup", monitor.StatusUp)

	down := awaitStatus(t, c, "backup", monitor.StatusDown)
	require.Contains(t, down.Reason, "no heartbeat came")
	require.Equal(t, "backup", awaitIncident(t, c, true).CheckID)
	up := get(t, c, "backup")
	require.NotNil(t, up.LastResult)
	require.GreaterOrEqual(t, down.StatusSince.Sub(check.Value.CreatedAt), 3*time.Second, "not before its grace")

	beat("/success")
	awaitStatus(t, c, "backup", monitor.StatusUp)
	raw, err := json.Marshal(get(t, c, "backup"))
	require.NoError(t, err)
	_, secret, _ := strings.Cut(address, "backup.")
	require.NotContains(t, string(raw), secret)
}
