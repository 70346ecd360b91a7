package process

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// LogFormats returns the forms in which a log can be written.
func LogFormats() []string { return []string{"text", "json"} }

// LogLevels returns the levels from which on a log can be written.
func LogLevels() []string { return []string{"debug", "info", "warn", "error"} }

// NewLogger returns a log that writes lines of the given format from the given level on. short
// leaves the date out of text, for people who watch it go by.
func NewLogger(w io.Writer, format, level string, short bool) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level %q: use %s", level, strings.Join(LogLevels(), ", "))
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		if short {
			options.ReplaceAttr = timeOfDay
		}
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, fmt.Errorf("log-format %q: use %s", format, strings.Join(LogFormats(), " or "))
	}
}

func timeOfDay(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		a.Value = slog.StringValue(a.Value.Time().Format("15:04:05.000"))
	}
	return a
}
