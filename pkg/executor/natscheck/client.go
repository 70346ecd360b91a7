package natscheck

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/endpoint"
)

// greeting is what a server says of itself as INFO.
type greeting struct {
	Name        string `json:"server_name"`
	Version     string `json:"version"`
	Cluster     string `json:"cluster"`
	JetStream   bool   `json:"jetstream"`
	Headers     bool   `json:"headers"`
	MaxPayload  int    `json:"max_payload"`
	Nonce       string `json:"nonce"`
	TLSRequired bool   `json:"tls_required"`
	TLSOffered  bool   `json:"tls_available"`
}

// client is a connection to a NATS server on which one thing happens after the other. It ends with
// the context that it was made with.
type client struct {
	dialled  *endpoint.Conn
	conn     net.Conn
	wire     *wire
	greeting greeting
	// state is of the TLS handshake; nil without one.
	state *tls.ConnectionState
	// inbox is where answers go; asked counts the requests, of which each has a subject below it.
	inbox string
	asked int
	// greeted and secured are how long the greeting and the handshake took, in milliseconds.
	greeted, secured float64
}

// meet reads the greeting of the server at the other end of conn, and secures the connection as mode
// says: auto, required or first. The error is in plain words.
func meet(ctx context.Context, conn *endpoint.Conn, mode string, config *tls.Config) (*client, error) {
	c := &client{dialled: conn, conn: conn, wire: newWire(conn)}
	if mode == tlsFirst {
		if err := c.handshake(ctx, config); err != nil {
			return c, err
		}
	}
	begun := time.Now()
	op, err := c.wire.read()
	c.greeted = endpoint.Between(begun, time.Now())
	if err != nil {
		return c, executor.Explain(err, "while waiting for the server's greeting")
	}
	if op.name != "INFO" {
		return c, errProtocol
	}
	if json.Unmarshal([]byte(op.text), &c.greeting) != nil {
		return c, fmt.Errorf("%w: its greeting cannot be read", errProtocol)
	}
	switch {
	case mode == tlsFirst || (mode == tlsAuto && !c.greeting.TLSRequired):
		return c, nil
	case !c.greeting.TLSRequired && !c.greeting.TLSOffered:
		return c, errors.New("the server does not offer TLS")
	case c.wire.in.Buffered() > 0:
		return c, fmt.Errorf("%w: it went on in plain text before TLS", errProtocol)
	}
	return c, c.handshake(ctx, config)
}

func (c *client) handshake(ctx context.Context, config *tls.Config) error {
	begun := time.Now()
	conn := tls.Client(c.conn, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return executor.Explain(err, "during the TLS handshake")
	}
	state := conn.ConnectionState()
	plain := c.dialled.Inside(conn)
	c.conn, c.wire, c.state, c.secured = plain, newWire(plain), &state, endpoint.Between(begun, time.Now())
	return nil
}

// logIn introduces the client to the server and waits until that lets it in.
func (c *client) logIn(who login) error {
	who.Headers, who.NoResponders, who.TLSRequired = c.greeting.Headers, c.greeting.Headers, c.state != nil
	raw, err := json.Marshal(who)
	if err != nil {
		return fmt.Errorf("%w: the login cannot be written", executor.ErrSetup)
	}
	if err := c.write("CONNECT " + string(raw) + "\r\nPING\r\n"); err != nil {
		return executor.Explain(err, "while logging in")
	}
	if _, err := c.await("PONG", ""); err != nil {
		return executor.Explain(err, "while logging in")
	}
	return nil
}

// ping is how long the server takes to answer.
func (c *client) ping() (time.Duration, error) {
	begun := time.Now()
	if err := c.write("PING\r\n"); err != nil {
		return 0, executor.Explain(err, "while pinging")
	}
	if _, err := c.await("PONG", ""); err != nil {
		return 0, executor.Explain(err, "while waiting for the answer to a ping")
	}
	return time.Since(begun), nil
}

// request asks whoever listens to a subject, and returns the answer.
func (c *client) request(subject string, body []byte) (message, error) {
	var out strings.Builder
	if c.asked == 0 {
		c.inbox += "." + rand.Text()
		fmt.Fprintf(&out, "SUB %s.* 1\r\n", c.inbox)
	}
	c.asked++
	reply := c.inbox + "." + strconv.Itoa(c.asked)
	fmt.Fprintf(&out, "PUB %s %s %d\r\n%s\r\n", subject, reply, len(body), body)
	c.wire.wanted = reply
	if err := c.write(out.String()); err != nil {
		return message{}, executor.Explain(err, "while asking "+subject)
	}
	op, err := c.await("MSG", reply)
	if err != nil {
		return message{}, executor.Explain(err, "while waiting for the answer of "+subject)
	}
	return op.message, nil
}

// errRefused: the server said -ERR.
var errRefused = errors.New("the server refused")

// await reads until the server says what is waited for: a PONG, or a message to a subject.
func (c *client) await(name, subject string) (operation, error) {
	for {
		op, err := c.wire.read()
		switch {
		case err != nil:
			return op, err
		case op.name == "-ERR":
			// It is not shortened here: a part of a secret could not be told from other text.
			return op, fmt.Errorf("%w: %s", errRefused, strings.ToValidUTF8(op.text, "�"))
		case op.name == "PING":
			if err := c.write("PONG\r\n"); err != nil {
				return op, err
			}
		case op.name == name, name == "MSG" && op.name == "HMSG":
			if op.subject == subject {
				return op, nil
			}
		}
	}
}

func (c *client) write(text string) error {
	_, err := io.WriteString(c.conn, text)
	return err
}
