package route

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxHead bounds the answer of a proxy to CONNECT, in bytes.
const maxHead = 16 << 10

// byConnect asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6).
func (r request) byConnect() (net.Conn, error) {
	target := net.JoinHostPort(r.host, strconv.Itoa(int(r.port)))
	head := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if r.proxy.given {
		head += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(r.user+":"+r.password)) + "\r\n"
	}
	if _, err := io.WriteString(r.conn, head+"\r\n"); err != nil {
		return nil, r.broken(err)
	}
	bounded := &io.LimitedReader{R: r.conn, N: maxHead}
	reader := bufio.NewReader(bounded)
	status, err := statusOf(textproto.NewReader(reader))
	if err != nil {
		return nil, r.unread(err, bounded.N == 0)
	}
	if err := r.answered(status); err != nil {
		return nil, err
	}
	early, err := reader.Peek(reader.Buffered())
	if err != nil {
		return nil, r.broken(err)
	}
	if len(early) > 0 {
		return &begun{Conn: r.conn, early: early}, nil
	}
	return r.conn, nil
}

// statusOf reads an answer up to its body.
func statusOf(reader *textproto.Reader) (int, error) {
	line, err := reader.ReadLine()
	if err != nil {
		return 0, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if _, _, ok := http.ParseHTTPVersion(version); !ok || err != nil || len(code) != 3 || status < 100 {
		return 0, textproto.ProtocolError("no status line")
	}
	_, err = reader.ReadMIMEHeader()
	return status, err
}

func (r request) unread(err error, full bool) error {
	var network net.Error
	switch {
	case full:
		return r.refused(fmt.Sprintf("answers with more than %d KiB of headers", maxHead>>10))
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.broken(err)
	}
	return r.refused("does not speak HTTP")
}

func (r request) answered(status int) error {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusProxyAuthRequired && r.proxy.given:
		return r.refused("refuses user and password")
	case status == http.StatusProxyAuthRequired:
		return r.refused("wants a user and password: give them as user:secret://name@ before its host")
	case status >= 500:
		return r.failed("no connection: " + text)
	default:
		return r.refused("does not make this connection: " + text)
	}
}

// begun is a connection of which some was read already.
type begun struct {
	net.Conn
	early []byte
}

func (b *begun) Read(into []byte) (int, error) {
	if len(b.early) > 0 {
		n := copy(into, b.early)
		b.early = b.early[n:]
		return n, nil
	}
	return b.Conn.Read(into)
}
