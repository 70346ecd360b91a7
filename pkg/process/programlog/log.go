// Package programlog keeps what a program that is started for a test or a measurement writes.
package programlog

import (
	"bytes"
	"sync"
)

// Log is the output of a program. Its zero value is ready for use, by several goroutines.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(raw []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(raw)
}

// String returns all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tailSize is how much Tail returns, in bytes.
const tailSize = 6000

// Tail returns the end of it, where the reason of a failure is.
func (l *Log) Tail() string {
	text := l.String()
	return text[max(0, len(text)-tailSize):]
}
