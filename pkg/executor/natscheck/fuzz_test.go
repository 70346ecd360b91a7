package natscheck

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/endpoint"
	"github.com/vedette/vedette/pkg/monitor"
)

// FuzzRead reads whatever a server may say.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"INFO {\"server_name\":\"n1\"}\r\nPING\r\nPONG\r\n+OK\r\n", "MSG a.b 1 5\r\nhello\r\n", "MSG a 1 _INBOX.x 0\r\n\r\n", "-ERR 'Authorization Violation'\r\n",
		"HMSG a 1 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n", "HMSG a 1 r 22 24\r\nNATS/1.0\r\nName: v\r\n\r\nhi\r\n", "msg\ta 1 99999999999\r\n", "HMSG a 1 9 3\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w := newWire(bytes.NewReader(text))
		w.wanted = "a"
		for range maxOperations + 2 {
			op, err := w.read()
			if err != nil {
				require.NotEmpty(t, err.Error())
				return
			}
			require.Contains(t, []string{"INFO", "MSG", "HMSG", "PING", "PONG", "+OK", "-ERR"}, op.name)
			require.LessOrEqual(t, len(op.body), maxMessage)
			require.GreaterOrEqual(t, op.status, 0)
			require.NotEqual(t, strings.HasSuffix(op.name, "MSG"), op.subject == "")
		}
		t.Fatal("it went on")
	})
}

// FuzzAnswers reads whatever JetStream may answer, and judges it.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"config":{"discard":"new","max_bytes":9},"state":{"messages":9,"bytes":9},"cluster":{"leader":"a","replicas":[{"name":"b","lag":-1}]}}`))
	f.Add([]byte(`{"config":{"max_ack_pending":-1},"num_pending":1,"num_ack_pending":9007199254740993}`))
	f.Add([]byte(`{"cluster":{"replicas":null}}`))
	o := Options{Stream: "S", Consumer: "C", MinReplicas: 1, Limits: Limits{Messages: 5, Bytes: 5, Pending: 5, AckPending: 5, WarnAt: 80}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		f := found{account: new(account), stream: new(stream), consumer: new(consumer)}
		for _, into := range []any{f.account, f.stream, f.consumer} {
			_ = json.Unmarshal(raw, into) // what was read of it before an error is judged too
		}
		require.LessOrEqual(t, f.stream.Cluster.current(), 102)
		for _, l := range o.limits(f) {
			if l.value > l.most {
				require.Error(t, o.wrong(f))
			}
		}
		_ = o.near(f)
	})
}

func FuzzPrepare(f *testing.F) {
	f.Add("nats.example.org:4222", "ann", "secret://pw", "ORDERS", "worker", "settings", "a.b", "_INBOX.x")
	f.Add("nats://x", "", "pw", "a b", "*", "a.b", ".", "a..b")
	f.Fuzz(func(t *testing.T, target, user, password, stream, consumer, bucket, key, inbox string) {
		raw, err := json.Marshal(map[string]any{
			"user": user, "password": password, "stream": stream, "consumer": consumer, "bucket": bucket, "key": key, "inbox": inbox,
		})
		require.NoError(t, err)
		p, problems := prepare(monitor.Definition{Target: target, Options: raw})
		for _, problem := range problems {
			require.Regexp(t, `^(target|options\.[a-z]+)$`, problem.Field)
			require.Contains(t, problem.Message, ": ")
		}
		if len(problems) == 0 {
			for _, part := range []string{p.options.Stream, p.options.Consumer, p.options.Bucket, p.options.Key, p.options.Inbox} {
				require.False(t, strings.ContainsAny(part, " \r\n\t"), "it becomes part of a line of the protocol")
			}
		}
	})
}

// said is a connection on which a server said all that it says.
type said struct {
	net.Conn
	text io.Reader
}

func (s said) Read(buffer []byte) (int, error) { return s.text.Read(buffer) }

func (said) Write(raw []byte) (int, error) { return len(raw), nil }

func (said) SetDeadline(time.Time) error { return nil }

func (said) Close() error { return nil }

// FuzzConversation has a server say whatever it likes to all that is asked.
func FuzzConversation(f *testing.F) {
	const login = "INFO {\"version\":\"2.11.0\",\"headers\":true,\"nonce\":\"a\"}\r\nPONG\r\nPONG\r\n"
	f.Add([]byte(login))
	f.Add([]byte(login + "MSG _INBOX.x.1 1 2\r\n{}\r\nMSG _INBOX.x.2 1 2\r\n{}\r\n"))
	f.Add([]byte("INFO {\"tls_required\":true}\r\n\x16\x03\x03\x00\x01\x00"))
	f.Add([]byte("INFO []\r\n-ERR 'no'\r\n"))
	p, problems := prepare(monitor.Definition{Target: "x:1", Options: []byte(`{"jetstream":true,"stream":"S","consumer":"C","bucket":"B","key":"k"}`)})
	require.Empty(f, problems)
	f.Fuzz(func(t *testing.T, text []byte) {
		conn := endpoint.Over(t.Context(), said{text: bytes.NewReader(text)}, "x")
		c, err := meet(t.Context(), conn, tlsAuto, &tls.Config{ServerName: "x"})
		if err == nil {
			c.inbox = "_INBOX"
			_, err = p.look(c, filled{})
		}
		require.Error(t, err, "the answers go to a subject that cannot be guessed")
		require.NotEmpty(t, err.Error())
		require.NoError(t, conn.Close())
	})
}
