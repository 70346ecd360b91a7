package secrets_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/secrets"
)

func source(values map[string]string) secrets.Source {
	return secrets.Source{Env: func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}}
}

func TestFill(t *testing.T) {
	s := source(map[string]string{"VEDETTE_SECRET_TOKEN": "t0ken", "VEDETTE_SECRET_API_KEY": "k", "VEDETTE_SECRET_NESTED": "secret://token"})
	for text, want := range map[string]string{
		"plain": "plain", "": "",
		"secret://token":                        "t0ken",
		"Bearer secret://token.":                "Bearer t0ken.",
		"secret://token/secret://TOKEN":         "t0ken/t0ken",
		"a=secret://api-key&b=secret://api_key": "a=k&b=k",
		"secret://nested":                       "secret://token", // a value is a value, not a reference
	} {
		v := s.Open()
		filled, err := v.Fill(text)
		require.NoError(t, err)
		require.Equal(t, want, filled)
	}
}

func TestUnknownSecretsSayTheCure(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "empty"), []byte("\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "folder"), 0o700))
	bare, filed := source(map[string]string{"VEDETTE_SECRET_BLANK": ""}), source(nil)
	filed.Dir = folder
	for _, tc := range []struct {
		source     secrets.Source
		text, cure string
	}{
		{bare, "secret://nope", "set VEDETTE_SECRET_NOPE, or give the runner --secrets-dir with a file nope in it"},
		{bare, "secret://blank", "VEDETTE_SECRET_BLANK is empty: set it"},
		{bare, "secret://", "use secret://name"},
		{bare, "secret:///etc/passwd", "use secret://name"},
		{filed, "secret://nope", "put a file nope into the folder of --secrets-dir"},
		{filed, "secret://empty", "is empty"},
		{filed, "secret://folder", "cannot be read"},
		{filed, "x secret://one y secret://two", "ONE"},
		{filed, "x secret://one y secret://two", "TWO"},
	} {
		filled, err := tc.source.Open().Fill(tc.text)
		require.ErrorIs(t, err, secrets.ErrUnknown)
		require.ErrorContains(t, err, tc.cure)
		require.NotContains(t, err.Error(), folder, "a runner's paths are nobody's business")
		require.Empty(t, filled)
	}
}

func TestFilesLoseTheirLastLineBreakOnly(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key"), []byte(" a\nb \r\n"), 0o600))
	s := source(nil)
	s.Dir = folder
	filled, err := s.Open().Fill("<secret://key>")
	require.NoError(t, err)
	require.Equal(t, "< a\nb >", filled)
}

// forms are the ways in which a server may send a value back.
func forms(value string) map[string]string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"plain": value, "quoted": strconv.Quote(value), "ascii": strconv.QuoteToASCII(value), "json": string(encoded),
		"query": url.QueryEscape(value), "path": url.PathEscape(value), "url": (&url.URL{Scheme: "http", Host: "h", Path: "/" + value}).String(),
		"lower": strings.ToLower(url.QueryEscape("ä" + strings.ToLower(value))),
		"html":  html.EscapeString(value), "hex": hex.EncodeToString([]byte(value)), "HEX": fmt.Sprintf("%X", value),
		"base64": base64.StdEncoding.EncodeToString([]byte(value)), "base64 raw": base64.RawURLEncoding.EncodeToString([]byte(value)),
		"basic":   base64.StdEncoding.EncodeToString([]byte("u:" + value)),
		"basic 3": base64.StdEncoding.EncodeToString([]byte("usr:" + value + "tail")),
		"basic 2": base64.URLEncoding.EncodeToString([]byte("user:" + value + "?")),
	}
}

func TestRedactFindsEveryForm(t *testing.T) {
	for _, value := range []string{"s3cret-value", `quo"ted\ and <b>&amp;`, "two\nlines äöü/+?", "p%20q+r s", "lower-äéî case/&"} {
		v := source(map[string]string{"VEDETTE_SECRET_X": value}).Open()
		require.Equal(t, value, v.Redact(value), "what was not used is not known")
		_, err := v.Fill("secret://x")
		require.NoError(t, err)
		for name, form := range forms(value) {
			if name == "lower" && value != strings.ToLower(value) {
				continue
			}
			redacted := v.Redact("before " + form + " after")
			require.Contains(t, redacted, secrets.Redacted, "%s of %q", name, value)
			require.True(t, strings.HasPrefix(redacted, "before ") && strings.HasSuffix(redacted, " after"), redacted)
			for other, text := range forms(value) {
				if text != "" {
					require.NotContains(t, redacted, strings.Trim(text, `"`), "%s after %s", other, name)
				}
			}
		}
	}
}

// TestRedactLeavesNoSecret mixes secrets, overlapping ones too, into texts of the same letters.
func TestRedactLeavesNoSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab"<%]{1,8}`)
		values := map[string]string{}
		for i, value := range rapid.SliceOfN(word, 1, 4).Draw(t, "values") {
			values[fmt.Sprint("VEDETTE_SECRET_S", i)] = value
		}
		v := source(values).Open()
		var text strings.Builder
		for i := range len(values) {
			filled, err := v.Fill(fmt.Sprint("secret://s", i))
			if err != nil {
				t.Fatal(err)
			}
			text.WriteString(word.Draw(t, "between"))
			for _, form := range rapid.SampledFrom([]string{filled, strconv.Quote(filled), url.QueryEscape(filled), html.EscapeString(filled)}).Draw(t, "form") {
				text.WriteRune(form)
			}
		}
		nested := map[string]any{text.String(): []any{text.String(), map[string]string{text.String(): text.String()}, []string{text.String()}, 7}}
		for _, redacted := range append(texts(v.RedactValue(nested)), v.Redact(text.String())) {
			for _, value := range values {
				if strings.Contains(redacted, value) {
					t.Fatalf("%q is left in %q", value, redacted)
				}
			}
		}
	})
}

// texts are the strings within a value.
func texts(value any) (found []string) {
	switch value := value.(type) {
	case string:
		found = append(found, value)
	case []string:
		found = append(found, value...)
	case []any:
		for _, item := range value {
			found = append(found, texts(item)...)
		}
	case map[string]any:
		for key, item := range value {
			found = append(append(found, key), texts(item)...)
		}
	case map[string]string:
		for key, item := range value {
			found = append(found, key, item)
		}
	}
	return found
}

func FuzzFillAndRedact(f *testing.F) {
	f.Add("Bearer secret://token", "t0ken", "you sent t0ken")
	f.Add("secret://secret://token", "\x00\xff", "\"\\u0000\"")
	f.Add("secret://a-b", "•", "•••")
	f.Fuzz(func(t *testing.T, text, value, answer string) {
		v := secrets.Source{Env: func(string) (string, bool) { return value, true }}.Open()
		filled, err := v.Fill(text)
		if err != nil {
			if !errors.Is(err, secrets.ErrUnknown) || filled != "" {
				t.Fatalf("%q, %v", filled, err)
			}
			return
		}
		if v.Empty() || strings.Contains(secrets.Redacted, value) || strings.Contains(value, "•") {
			return
		}
		for _, in := range []string{answer, filled, answer + filled} {
			if out := v.Redact(in); strings.Contains(out, value) {
				t.Fatalf("%q is left in %q", value, out)
			}
		}
	})
}

func TestHide(t *testing.T) {
	vault := secrets.Source{}.Open()
	vault.Hide("short")
	require.True(t, vault.Empty())
	for range 2 {
		vault.Hide("t0ken/that was fetched")
	}
	require.False(t, vault.Empty())
	require.Equal(t, "a ••• b ••• short", vault.Redact("a t0ken/that was fetched b t0ken%2Fthat+was+fetched short"))
}

// TestRedactJSONWithoutEscapesForHTML, as most programs write it.
func TestRedactJSONWithoutEscapesForHTML(t *testing.T) {
	vault := secrets.Source{Env: func(string) (string, bool) { return "a&b\x01<c>\"d", true }}.Open()
	_, err := vault.Fill("secret://x")
	require.NoError(t, err)
	require.Equal(t, `{"x":"•••"}`, vault.Redact(`{"x":"a&b\u0001<c>\"d"}`))
}
