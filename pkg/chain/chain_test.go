package chain_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/chain"
)

func event() chain.Event {
	return chain.Event{
		Sequence: 7, Subject: "vedette.event.service.web.registered",
		Headers: map[string][]string{"ce-id": {"x"}, "ce-type": {"vedette.service.registered.v1"}, "Nats-Msg-Id": {"y"}},
		Body:    []byte(`{"definition":{"id":"web"}}`),
	}
}

// The canonical bytes never change: others compute them too.
func TestTheDigestIsAsItIsDocumented(t *testing.T) {
	digest := event().Digest()
	require.Equal(t, "515795d02ae5dab887d924e43dc78d884c5c39edf852d78ca5923d5eaa559fff", hex.EncodeToString(digest[:]))
	head := chain.Head{}.Next(digest)
	require.EqualValues(t, 1, head.Sequence)
	require.Equal(t, "1:1671569b88c1df7647dd627711072587eb946f2f758f46356246f49241a1b206", head.String())
}

func TestWhateverIsOursCounts(t *testing.T) {
	for name, change := range map[string]func(*chain.Event){
		"sequence": func(e *chain.Event) { e.Sequence++ }, "subject": func(e *chain.Event) { e.Subject += "x" },
		"header": func(e *chain.Event) { e.Headers["ce-id"] = []string{"z"} }, "another header": func(e *chain.Event) { e.Headers["ce-actor"] = []string{""} },
		"body": func(e *chain.Event) { e.Body[3] ^= 1 }, "shifted": func(e *chain.Event) { e.Subject, e.Body = e.Subject+"{", e.Body[1:] },
	} {
		changed := event()
		change(&changed)
		require.NotEqual(t, event().Digest(), changed.Digest(), name)
	}
	same := event()
	same.Headers["Nats-Msg-Id"] = []string{"another"}
	require.Equal(t, event().Digest(), same.Digest(), "what the server adds does not")
}

func TestHeadsAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var head chain.Head
		for i := range rapid.IntRange(0, 20).Draw(t, "events") {
			head = head.Next(chain.Event{Sequence: uint64(i) + 1, Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}.Digest())
		}
		back, err := chain.ParseHead(head.String())
		require.NoError(t, err)
		require.Equal(t, head, back)
		raw, err := json.Marshal(struct{ Head chain.Head }{head})
		require.NoError(t, err)
		var held struct{ Head chain.Head }
		require.NoError(t, json.Unmarshal(raw, &held))
		require.Equal(t, head, held.Head)
	})
	for _, text := range []string{"", "7", "7:", "x:" + strings.Repeat("0", 64), "7:" + strings.Repeat("0", 63), "07:" + strings.Repeat("0", 64), "7:" + strings.Repeat("A", 64)} {
		_, err := chain.ParseHead(text)
		require.ErrorIs(t, err, chain.ErrHead, "%q", text)
	}
}

func TestPagesCoverTheLog(t *testing.T) {
	var page chain.Page
	var head chain.Head
	for n := uint64(1); n <= 2*chain.PageSize+5; n++ {
		digest := chain.Event{Sequence: n}.Digest()
		page.Add(digest)
		head = head.Next(digest)
		require.Equal(t, head, page.Head)
		require.Equal(t, (n-1)/chain.PageSize, page.Number())
		require.Equal(t, n%chain.PageSize == 0, page.Full())
		if n%333 != 0 && n < 2*chain.PageSize {
			continue
		}
		raw, err := page.MarshalBinary()
		require.NoError(t, err)
		var back chain.Page
		require.NoError(t, back.UnmarshalBinary(raw))
		require.Equal(t, page, back)
		mark, ok := back.Mark(n)
		require.True(t, ok)
		require.Equal(t, chain.MarkOf(digest), mark)
		_, ok = back.Mark(n + 1)
		require.False(t, ok)
		_, ok = back.Mark(chain.First(page.Number()) - 1)
		require.False(t, ok)
	}
	var empty chain.Page
	raw, err := empty.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, empty.UnmarshalBinary(raw))
}

func FuzzPage(f *testing.F) {
	var page chain.Page
	page.Add(chain.Hash{1})
	raw, err := page.MarshalBinary()
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var page chain.Page
		if page.UnmarshalBinary(raw) != nil {
			return
		}
		again, err := page.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, raw, again)
	})
}

func TestReportsNameWhatIsWrong(t *testing.T) {
	var r chain.Report
	for n := uint64(3); n <= 5; n++ {
		r.Add(n, chain.Missing)
	}
	r.Add(6, chain.Changed)
	require.Equal(t, []chain.Damage{{Sequence: 3, Until: 5, What: chain.Missing}, {Sequence: 6, Until: 6, What: chain.Changed}}, r.Damage)
	require.EqualValues(t, 4, r.Damaged)
	require.Equal(t, "events 3 to 5: each is missing, and 1 places more", r.Reason())
	for n := range uint64(500) {
		r.Add(10+2*n, chain.Changed)
	}
	require.Len(t, r.Damage, chain.MaxDamage)
	require.EqualValues(t, 504, r.Damaged)
	require.Equal(t, "event 6 is not what it was", fmt.Sprint(r.Damage[1].Error()))
	require.Empty(t, (&chain.Report{Whole: true}).Reason())
}
