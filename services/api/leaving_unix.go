//go:build unix

package api

import (
	"net"
	"syscall"
)

// left reports whether the client of a connection has closed it. What it sent is not read.
func left(c net.Conn) bool {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	access, err := raw.SyscallConn()
	if err != nil {
		return true // closed on our side
	}
	gone := false
	err = access.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = (n == 0 && err == nil) || err == syscall.ECONNRESET
	})
	return gone || err != nil
}
