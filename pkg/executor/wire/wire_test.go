package wire_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/pkg/executor/wire"
	"github.com/vedette/vedette/pkg/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vault knows one secret.
func vault(t testing.TB, value string) *secrets.Vault {
	t.Helper()
	v := secrets.Source{Env: func(string) (string, bool) { return value, true }}.Open()
	_, err := v.Fill("secret://token")
	require.NoError(t, err)
	return v
}

func bare(entries []monitor.WireEntry) (lines []string) {
	for _, e := range entries {
		lines = append(lines, e.What+" "+e.Text)
	}
	return lines
}

func TestNoLogTakesNothingDown(t *testing.T) {
	var log *wire.Log
	log.Note("lookup", "x")
	log.Sent("x")
	log.Received("x")
	ours, theirs := net.Pipe()
	require.Equal(t, ours, log.Conn(ours))
	require.Equal(t, http.DefaultTransport, log.RoundTripper(http.DefaultTransport))
	require.Nil(t, log.Entries(vault(t, "x")))
	require.NoError(t, ours.Close())
	require.NoError(t, theirs.Close())
}

// talk has both sides of a connection say something in turns: the first is ours.
func talk(t testing.TB, log *wire.Log, texts ...string) {
	t.Helper()
	ours, theirs := net.Pipe()
	conn := log.Conn(ours)
	for i, text := range texts {
		from, to := conn, theirs
		if i%2 == 1 {
			from, to = theirs, conn
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.WriteString(from, text)
		}()
		_, err := io.ReadFull(to, make([]byte, len(text)))
		require.NoError(t, err)
		<-done
	}
	require.NoError(t, conn.Close())
	require.NoError(t, theirs.Close())
}

func TestASecretIsFoundAcrossPieces(t *testing.T) {
	log := wire.New()
	talk(t, log, "AUTH s3", "s3", "cr", "cret and", "et\r\n", " more\x00\xff")
	require.Equal(t, []string{
		"sent AUTH •••", "received •••", "sent •••", "received ••• and", "sent •••\n", "received  more\\x00\\xff",
	}, bare(log.Entries(vault(t, "s3cret"))))
}

func TestThePartOfASecretAtTheBoundIsNotShown(t *testing.T) {
	log := wire.New()
	const most = 4 << 10
	talk(t, log, strings.Repeat("a", most-3)+"s3c", "b", "ret", "b")
	entries := log.Entries(vault(t, "s3cret"))
	require.NotContains(t, entries[0].Text, "s3c")
	require.Equal(t, most, entries[0].Bytes)
	for _, e := range entries {
		require.NotContains(t, e.Text, "ret")
	}
}

func TestTLSIsNotTakenDown(t *testing.T) {
	log := wire.New()
	talk(t, log, "STARTTLS\r\n", "220 go\r\n", "\x16\x03\x01\x00\x05\x01abc", "cipher", "text")
	require.Equal(t, []string{"sent STARTTLS\n", "received 220 go\n", "tls the handshake begins"}, bare(log.Entries(vault(t, "x"))))
}

func TestHTTPIsTakenDownAsItIsMeant(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Date", "now")
		z := gzip.NewWriter(w)
		_, _ = z.Write(bytes.ToUpper(raw))
		_ = z.Close()
	}))
	defer server.Close()
	log := wire.New()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/path?token=s3cret", strings.NewReader("hello s3cret"))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer s3cret")
	response, err := (&http.Client{Transport: log.RoundTripper(transport)}).Do(request)
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	entries := log.Entries(vault(t, "s3cret"))
	require.Equal(t, []string{
		"sent POST /path?token=••• HTTP\nHost: " + strings.TrimPrefix(server.URL, "http://") + "\nAuthorization: Bearer •••\n\nhello •••",
		"received HTTP/1.1 200 OK\nDate: now\n\nHELLO S3CRET",
	}, bare(entries))
}

// TestWhateverIsTakenDownIsBounded, valid text, and holds no secret.
func TestWhateverIsTakenDownIsBounded(t *testing.T) {
	v := vault(t, "s3cret")
	rapid.Check(t, func(rt *rapid.T) {
		log := wire.New()
		for range rapid.IntRange(0, 80).Draw(rt, "steps") {
			raw := strings.Repeat(string(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "bytes"))+rapid.SampledFrom([]string{"", "s3cret", "s3", "cret"}).Draw(rt, "secret"), rapid.IntRange(0, 300).Draw(rt, "times"))
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				log.Note("lookup", raw)
			case 1:
				log.Sent(raw)
			default:
				talk(t, log, "a", raw+"x", "b")
			}
		}
		encoded, err := json.Marshal(log.Entries(v))
		require.NoError(rt, err)
		require.LessOrEqual(rt, len(encoded), 8<<10)
		require.NotContains(rt, string(encoded), "s3cret")
	})
}
