package tlscheck

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/vedette/vedette/pkg/executor"
)

// maxPlain bounds what is read before the handshake, in bytes.
const maxPlain = 8 << 10

const notOffered = "the server does not offer STARTTLS"

// startTLS asks a server, by a protocol, to go on by TLS.
func startTLS(conn net.Conn, protocol string) error {
	if protocol == none {
		return nil
	}
	bounded := &io.LimitedReader{R: conn, N: maxPlain}
	p := plain{conn: conn, reader: bufio.NewReader(bounded), during: "while waiting for the banner"}
	var err error
	switch protocol {
	case "smtp":
		err = p.smtp()
	case "imap":
		err = p.imap()
	case "pop3":
		err = p.pop3()
	case "ftp":
		err = p.ftp()
	case "postgres":
		err = p.postgres()
	case "ldap":
		err = p.ldap()
	}
	switch {
	case err != nil && bounded.N == 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return fmt.Errorf("the server sent more than %d KiB before the handshake", maxPlain>>10)
	case err != nil:
		return executor.Explain(err, p.during)
	}
	if p.reader.Buffered() > 0 {
		return errors.New("the server sent more, not protected, before the handshake")
	}
	return nil
}

// plain is the conversation before the handshake.
type plain struct {
	conn   net.Conn
	reader *bufio.Reader
	// during says what is going on.
	during string
}

func (p *plain) send(text string) error {
	p.during = "while asking for STARTTLS"
	_, err := io.WriteString(p.conn, text)
	return err
}

// line reads one without its end.
func (p *plain) line() (string, error) {
	text, err := p.reader.ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.ToValidUTF8(strings.TrimRight(text, "\r\n"), "�"), nil
}

// reply reads an answer as SMTP and FTP have it: of the lines of one, all but the last have a hyphen
// behind the code.
func (p *plain) reply() (code string, lines []string, err error) {
	const codeLength = 3
	for {
		text, err := p.line()
		if err != nil {
			return "", nil, err
		}
		lines = append(lines, text)
		if len(text) == codeLength || (len(text) > codeLength && text[codeLength] == ' ') {
			return text[:codeLength], lines, nil
		}
		if len(lines) == 1 && (len(text) < codeLength || strings.Trim(text[:codeLength], "0123456789") != "" || text[codeLength] != '-') {
			return "", lines, nil // no such answer at all
		}
	}
}

// want reads an answer and wants it to have a code.
func (p *plain) want(code string) ([]string, error) {
	got, lines, err := p.reply()
	if err == nil && got != code {
		err = fmt.Errorf("the server refused with %q", strings.Join(lines, "\n"))
	}
	return lines, err
}

func (p *plain) smtp() error {
	if _, err := p.want("220"); err != nil {
		return err
	}
	if err := p.send("EHLO localhost\r\n"); err != nil {
		return err
	}
	lines, err := p.want("250")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(lines[1:], func(line string) bool {
		return len(line) > 4 && strings.EqualFold(strings.TrimSpace(line[4:]), "STARTTLS")
	}) {
		return errors.New(notOffered)
	}
	if err := p.send("STARTTLS\r\n"); err != nil {
		return err
	}
	_, err = p.want("220")
	return err
}

func (p *plain) ftp() error {
	if _, err := p.want("220"); err != nil {
		return err
	}
	if err := p.send("AUTH TLS\r\n"); err != nil {
		return err
	}
	_, err := p.want("234")
	return err
}

func (p *plain) pop3() error {
	if err := p.begins("+OK"); err != nil {
		return err
	}
	if err := p.send("STLS\r\n"); err != nil {
		return err
	}
	return p.begins("+OK")
}

// begins reads a line and wants it to begin so.
func (p *plain) begins(with string) error {
	line, err := p.line()
	if err == nil && !strings.HasPrefix(line, with) {
		err = fmt.Errorf("the server refused with %q", line)
	}
	return err
}

func (p *plain) imap() error {
	if err := p.begins("* OK"); err != nil {
		return err
	}
	if err := p.send("a STARTTLS\r\n"); err != nil {
		return err
	}
	for {
		line, err := p.line()
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(line, "a OK"):
			return nil
		case !strings.HasPrefix(line, "* "):
			return fmt.Errorf("the server refused with %q", line)
		}
	}
}

// postgres sends an SSLRequest (PostgreSQL, Message Formats).
func (p *plain) postgres() error {
	if err := p.send("\x00\x00\x00\x08\x04\xd2\x16\x2f"); err != nil {
		return err
	}
	answer, err := p.reader.ReadByte()
	switch {
	case err != nil:
		return err
	case answer == 'S':
		return nil
	case answer == 'N':
		return errors.New(notOffered)
	default:
		return fmt.Errorf("the server answered %q: it is no PostgreSQL", answer)
	}
}
