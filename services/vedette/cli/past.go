package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// pastFlag adds --at, by which a command shows the past.
func (a *app) pastFlag(cmd *cobra.Command) *string {
	var at string
	cmd.Flags().StringVar(&at, "at", "", "as it was at a time (RFC 3339), or so long ago: 2h, 30d")
	markDefinition(cmd.Flags())
	return &at
}

// asOf puts an instant to a query and has ages told from then; nothing for the present.
func (a *app) asOf(at string, query url.Values) (url.Values, error) {
	if at == "" {
		return query, nil
	}
	when, err := parseInstant(a.Now(), at)
	if err != nil {
		return nil, UsageError{fmt.Errorf("--at %w", err)}
	}
	a.Now = func() time.Time { return when }
	if query == nil {
		query = url.Values{}
	}
	query.Set("at", when.UTC().Format(time.RFC3339Nano))
	return query, nil
}

// parseInstant reads a time, or how long ago it was: "2h", "-2h", "30d", "2h ago".
func parseInstant(now time.Time, text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	span := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(text, "-"), "ago"))
	if days, ok := strings.CutSuffix(span, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	} else if d, err := time.ParseDuration(span); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write one such as 2026-03-14T09:00:00Z, or how long ago, such as 2h or 30d", text)
}
