package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/client"
)

func written(t *testing.T, table *table, colour bool) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, table.write(&out, colour))
	return out.String()
}

func TestTablesLineUpWhateverTheScript(t *testing.T) {
	table := newTable("NAME", ">MS", "STATUS")
	table.row(text("home"), text("1"), statusCell(monitor.StatusUp))
	table.row(text("首页"), text("1000"), statusCell(monitor.StatusDown))
	table.row(text("Überblick"), text("20"), text(""))
	require.Equal(t, ""+
		"NAME         MS  STATUS\n"+
		"home          1  up\n"+
		"首页       1000  down\n"+
		"Überblick    20\n", written(t, table, false))
}

func TestColoursDoNotMoveColumns(t *testing.T) {
	table := newTable("STATUS", "ID")
	table.row(statusCell(monitor.StatusDown), text("home"))
	coloured := written(t, table, true)
	require.Equal(t, "\x1b[2mSTATUS\x1b[0m  \x1b[2mID\x1b[0m\n\x1b[31mdown\x1b[0m    home\n", coloured)
}

func TestATextCannotControlTheTerminal(t *testing.T) {
	hostile := "a\x1b[31mred\x07\u202eback\nnext\tcell"
	require.Equal(t, "a[31mredback next cell", text(hostile)[0].text)
}

func TestClipCountsColumns(t *testing.T) {
	require.Equal(t, "short", clip("short", 5))
	require.Equal(t, "shor…", clip("shorter", 5))
	require.Equal(t, "首页…", clip("首页概览", 5))
}

func TestWordsForNumbers(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	require.Equal(t, "42s", age(now, now.Add(-42*time.Second)))
	require.Equal(t, "3m", age(now, now.Add(-200*time.Second)))
	require.Equal(t, "5h07m", age(now, now.Add(-5*time.Hour-7*time.Minute)))
	require.Equal(t, "9d", age(now, now.Add(-9*24*time.Hour-time.Hour)))
	require.Equal(t, "0s", age(now, now.Add(time.Second)), "clocks may differ")
	require.Empty(t, age(now, time.Time{}))

	require.Equal(t, "0.83 ms", milliseconds(0.832))
	require.Equal(t, "41.7 ms", milliseconds(41.66))
	require.Equal(t, "250 ms", milliseconds(250))
	require.Equal(t, "1.25 s", milliseconds(1250))

	require.Equal(t, "100 %", percent(1))
	require.Equal(t, "99.99 %", percent(0.999999), "100 % says that nothing is missing")
	require.Equal(t, "0.00 %", percent(0))
}

func TestTheBarShowsTheLatestByHeight(t *testing.T) {
	require.Equal(t, cell{{"▇▇", green}, {"▅", yellow}, {"▂", red}, {"×·", dim}}, bar("DDUUGDE-", 6))
	require.Empty(t, bar("", 20))
}

func TestMergeIsThatOfRFC7396(t *testing.T) {
	before := client.Object{"name": "a", "options": client.Object{"method": "GET", "body": "x"}, "cron": "* * * * *"}
	after := merge(before, client.Object{"cron": nil, "options": client.Object{"body": nil, "max_redirects": 3}})
	require.Equal(t, client.Object{"name": "a", "options": client.Object{"method": "GET", "max_redirects": 3}}, after)
	require.Contains(t, before, "cron", "what is merged into stays as it is")
}

func TestTypesAreLeftOutOfEventTypes(t *testing.T) {
	require.Equal(t, "vedette.service.status_changed.v1", wholeType("service.status_changed"))
	require.Equal(t, "vedette.service.status_changed.v1", wholeType("vedette.service.status_changed.v1"))
	require.Equal(t, "nothing.such", wholeType("nothing.such"), "the server says that it does not know it")
}

func TestDocumentsCannotControlTheTerminalEither(t *testing.T) {
	raw := []byte(`{"a":"x\u001b[2Jy\\u001b\nz` + "\u009b" + `31m"}`)
	var out strings.Builder
	require.NoError(t, encode(&out, "json", raw))
	require.Equal(t, "{\n  \"a\": \"x\\u001b[2Jy\\\\u001b\\nz\\u009b31m\"\n}\n", out.String(), "nothing is lost")
	out.Reset()
	require.NoError(t, encode(&out, "yaml", raw))
	require.Equal(t, "a: \"x\ufffd[2Jy\\\\u001b\\nz\ufffd31m\"\n", out.String())
}
