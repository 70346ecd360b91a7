package tlscheck

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The elements of BER (X.690) that the answer is made of.
const (
	tagSequence, tagInteger, tagEnumerated, tagExtendedResponse = 0x30, 0x02, 0x0a, 0x78
	// longForm marks a length that takes the bytes that follow; so many at most.
	longForm, maxLengthBytes = 0x80, 4
)

var errNoLDAP = errors.New("what the server answered is no LDAP")

// ldap sends an extended request to start TLS (RFC 4511, 4.14).
func (p *plain) ldap() error {
	if err := p.send("\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"); err != nil {
		return err
	}
	message, err := p.element()
	if err != nil {
		return err
	}
	code, text, ok := ldapResult(message)
	switch {
	case !ok:
		return errNoLDAP
	case code != 0:
		return fmt.Errorf("the server refused with LDAP result %d %q", code, text)
	}
	return nil
}

// element reads a sequence and returns what is in it.
func (p *plain) element() ([]byte, error) {
	head := make([]byte, 2) //nolint:mnd // tag and length
	if _, err := io.ReadFull(p.reader, head); err != nil {
		return nil, err
	}
	if head[0] != tagSequence {
		return nil, errNoLDAP
	}
	length := int(head[1])
	if length >= longForm {
		more := make([]byte, length-longForm)
		if len(more) == 0 || len(more) > maxLengthBytes {
			return nil, errNoLDAP
		}
		if _, err := io.ReadFull(p.reader, more); err != nil {
			return nil, err
		}
		length = lengthOf(more)
	}
	if length > maxPlain {
		return nil, errNoLDAP
	}
	body := make([]byte, length)
	_, err := io.ReadFull(p.reader, body)
	return body, err
}

func lengthOf(raw []byte) (length int) {
	for _, b := range raw {
		length = length<<8 | int(b)
	}
	return length
}

// take takes the first element off.
func take(raw []byte) (tag byte, value, rest []byte, ok bool) {
	const head = 2
	if len(raw) < head {
		return 0, nil, nil, false
	}
	tag, length, raw := raw[0], int(raw[1]), raw[head:]
	if length >= longForm {
		count := length - longForm
		if count == 0 || count > maxLengthBytes || count > len(raw) {
			return 0, nil, nil, false
		}
		length, raw = lengthOf(raw[:count]), raw[count:]
	}
	if length > len(raw) {
		return 0, nil, nil, false
	}
	return tag, raw[:length], raw[length:], true
}

// ldapResult reads the result of an extended response (RFC 4511, 4.9 and 4.12).
func ldapResult(message []byte) (code int, text string, ok bool) {
	tag, _, rest, ok := take(message)
	if !ok || tag != tagInteger {
		return 0, "", false
	}
	tag, response, _, ok := take(rest)
	if !ok || tag != tagExtendedResponse {
		return 0, "", false
	}
	tag, result, rest, ok := take(response)
	if !ok || tag != tagEnumerated || len(result) != 1 {
		return 0, "", false
	}
	if _, _, rest, ok = take(rest); ok { // the matched name
		_, diagnostic, _, _ := take(rest)
		text = strings.ToValidUTF8(string(diagnostic), "�")
	}
	return int(result[0]), text, true
}
