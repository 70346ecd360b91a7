package process_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/process"
)

func TestALogIsTextOrJSONFromItsLevelOn(t *testing.T) {
	var out bytes.Buffer
	log, err := process.NewLogger(&out, "text", "warn", true)
	require.NoError(t, err)
	log.Info("not heard")
	log.Warn("heard", "check", "home")
	require.Regexp(t, `^time=\d\d:\d\d:\d\d\.\d\d\d level=WARN msg=heard check=home\n$`, out.String())

	out.Reset()
	log, err = process.NewLogger(&out, "json", "debug", true)
	require.NoError(t, err)
	log.Debug("heard", "check", "home")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "heard", line["msg"])
	require.Equal(t, "home", line["check"])
	require.Regexp(t, `^\d{4}-`, line["time"], "machines get the date")
}

func TestALogThatCannotBeIsExplained(t *testing.T) {
	_, err := process.NewLogger(&bytes.Buffer{}, "text", "loud", false)
	require.ErrorContains(t, err, `log-level "loud": use debug, info, warn, error`)
	_, err = process.NewLogger(&bytes.Buffer{}, "xml", "info", false)
	require.ErrorContains(t, err, `log-format "xml": use text or json`)
}
