package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event(id int) string {
	return fmt.Sprintf("id: %d\nevent: vedette.check.paused.v1\ndata: {\"id\":\"e%d\",\"sequence\":\"%d\"}\n\n", id, id, id)
}

// follow follows a handler's stream until last has come, and returns the ids in order.
func follow(t *testing.T, handler http.HandlerFunc, last string) ([]string, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	c, err := New(server.URL, "", "test")
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var ids []string
	err = c.Follow(ctx, Stream{Query: url.Values{"after": {"0"}}, Handle: func(e Event) error {
		ids = append(ids, e.Value.ID)
		if e.Value.ID == last {
			cancel()
		}
		return nil
	}})
	return ids, err
}

func TestEveryEventComesOnceWhereverTheStreamIsCut(t *testing.T) {
	const events = 20
	random := rand.New(rand.NewPCG(1, 2))
	ids, err := follow(t, func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.Header.Get("Last-Event-ID")) // the first time there is none
		var all strings.Builder
		all.WriteString(": here I am\n\n")
		for id := from + 1; id <= events; id++ {
			all.WriteString(event(id))
		}
		w.Header().Set("Content-Type", "text/event-stream")
		cut := min(all.Len(), 60+random.IntN(800))
		_, _ = io.WriteString(w, all.String()[:cut])
	}, "e20")
	require.NoError(t, err)
	var want []string
	for id := range events {
		want = append(want, fmt.Sprint("e", id+1))
	}
	require.Equal(t, want, ids)
}

func TestARefusedStreamIsNotTriedAgain(t *testing.T) {
	var asked atomic.Int64
	_, err := follow(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"title":"no","detail":"type: is not known"}`)
	}, "")
	var refused *Problem
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "type: is not known", refused.Error())
	require.EqualValues(t, 1, asked.Load())
}

func TestABusyServerIsTriedAgain(t *testing.T) {
	var asked atomic.Int64
	ids, err := follow(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.WriteString(w, event(1))
	}, "e1")
	require.NoError(t, err)
	require.Equal(t, []string{"e1"}, ids)
}

func TestAnErrorOfTheHandlerEndsTheStream(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, event(1)) }))
	defer server.Close()
	c, err := New(server.URL, "", "test")
	require.NoError(t, err)
	defer c.Close()
	enough := errors.New("enough")
	require.ErrorIs(t, c.Follow(t.Context(), Stream{Handle: func(Event) error { return enough }}), enough)
}

func TestAServerIsAURL(t *testing.T) {
	for _, server := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "::"} {
		_, err := New(server, "", "test")
		require.ErrorContains(t, err, "use a URL such as http://127.0.0.1:8080", server)
	}
}

func TestServicesAreReadHoweverTheirChecksAreWritten(t *testing.T) {
	for _, raw := range []string{`{"id":"web","checks":["a","b"]}`, `{"id":"web","checks":[{"id":"a"},{"id":"b"}]}`} {
		var s Service
		require.NoError(t, s.UnmarshalJSON([]byte(raw)))
		require.Equal(t, "web", s.Value.ID)
		require.Equal(t, []string{"a", "b"}, s.Value.Members)
		require.JSONEq(t, raw, string(s.Raw))
	}
}

// FuzzStream reads whatever a server may send: it neither panics nor hands on an event twice.
func FuzzStream(f *testing.F) {
	f.Add([]byte(event(1) + event(2)))
	f.Add([]byte(": comment\n\nid:7\ndata:{}\ndata:\n\n"))
	f.Add([]byte("data: {\n\n"))
	f.Add([]byte("\r\n\r\nid\ndata\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		handed := 0
		r := &follower{stream: Stream{Handle: func(Event) error { handed++; return nil }}}
		require.Error(t, r.read(bytes.NewReader(stream), func() {}), "a stream that ends has broken off")
		require.LessOrEqual(t, handed, bytes.Count(stream, []byte("data")))
	})
}
