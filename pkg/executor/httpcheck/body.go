package httpcheck

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// body is what was read of one, in pieces: most checks never ask for the whole.
type body struct {
	pieces [][]byte
	size   int
	// cut is whether there was more than maxBody.
	cut bool
}

// readBody reads up to maxBody.
func readBody(response *http.Response) (b body, err error) {
	const least = 4 << 10
	next := least
	if n := response.ContentLength; n >= 0 {
		next = int(min(n, maxBody))
	}
	for {
		piece := make([]byte, min(next, maxBody-b.size)+1) // one more, to see the end
		n, err := readFull(response.Body, piece)
		b.size += n
		if b.size > maxBody {
			b.size, b.cut, n, err = maxBody, true, n-1, io.EOF
		}
		b.pieces = append(b.pieces, piece[:n])
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return body{}, err
		}
		next = 2 * len(piece)
	}
}

// readFull reads until the buffer is full or there is no more. Unlike io.ReadFull it returns the
// reader's own error, as a body that ends early is another matter than one that ends.
func readFull(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = r.Read(buffer[n:])
		n += m
	}
	return n, err
}

func (b body) reader() io.Reader {
	pieces := make([]io.Reader, len(b.pieces))
	for i, piece := range b.pieces {
		pieces[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(pieces...)
}

// bytes is the body as valid UTF-8, not to be changed.
func (b body) bytes() []byte {
	if len(b.pieces) == 1 && utf8.Valid(b.pieces[0]) {
		return b.pieces[0]
	}
	return []byte(b.text())
}

// text is the body as valid UTF-8.
func (b body) text() string {
	whole, _ := b.beginning(b.size)
	return whole
}

// beginning is the first bytes of the body as valid UTF-8, and whether there was more.
func (b body) beginning(most int) (text string, cut bool) {
	var whole strings.Builder
	whole.Grow(min(b.size, most))
	for _, piece := range b.pieces {
		whole.Write(piece[:min(len(piece), most-whole.Len())])
	}
	return strings.ToValidUTF8(whole.String(), "�"), b.cut || b.size > most
}
