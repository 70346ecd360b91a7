package route

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
)

// The numbers of SOCKS 5 (RFC 1928) and its passwords (RFC 1929).
const (
	socksVersion, passwordVersion         = 5, 1
	withoutPassword, withPassword         = 0, 2
	connectCommand                        = 1
	addressIPv4, addressName, addressIPv6 = 1, 3, 4
)

// bySocks asks a SOCKS 5 proxy. It reads not a byte more than the proxy's answers have.
func (r request) bySocks() (net.Conn, error) {
	method, err := r.method()
	if err != nil {
		return nil, err
	}
	if method == withPassword {
		if err := r.authenticate(); err != nil {
			return nil, err
		}
	}
	if err := r.command(); err != nil {
		return nil, err
	}
	return r.conn, nil
}

// exchange sends, and reads so many bytes.
func (r request) exchange(raw []byte, size int) ([]byte, error) {
	if _, err := r.conn.Write(raw); err != nil {
		return nil, r.broken(err)
	}
	return r.read(size)
}

func (r request) read(size int) ([]byte, error) {
	answer := make([]byte, size)
	if _, err := io.ReadFull(r.conn, answer); err != nil {
		return nil, r.broken(err)
	}
	return answer, nil
}

func (r request) method() (byte, error) {
	methods := []byte{withoutPassword}
	if r.proxy.given {
		methods = append(methods, withPassword)
	}
	answer, err := r.exchange(append([]byte{socksVersion, byte(len(methods))}, methods...), 2)
	switch {
	case err != nil:
		return 0, err
	case answer[0] != socksVersion:
		return 0, r.refused("does not speak SOCKS 5")
	case answer[1] == withoutPassword, answer[1] == withPassword && r.proxy.given:
		return answer[1], nil
	case r.proxy.given:
		return 0, r.refused("takes no user and password")
	default:
		return 0, r.refused("wants a user and password: give them as user:secret://name@ before its host")
	}
}

func (r request) authenticate() error {
	raw := append([]byte{passwordVersion, byte(len(r.user))}, r.user...)
	raw = append(append(raw, byte(len(r.password))), r.password...)
	answer, err := r.exchange(raw, 2)
	if err == nil && answer[1] != 0 {
		err = r.refused("refuses user and password")
	}
	return err
}

func (r request) command() error {
	raw := []byte{socksVersion, connectCommand, 0}
	if ip, err := netip.ParseAddr(r.host); err != nil {
		const longest = 255
		if len(r.host) > longest {
			return r.failed("no such host: its name is too long")
		}
		raw = append(append(raw, addressName, byte(len(r.host))), r.host...)
	} else if ip.Is4() {
		raw = append(append(raw, addressIPv4), ip.AsSlice()...)
	} else {
		raw = append(append(raw, addressIPv6), ip.AsSlice()...)
	}
	const head = 4
	answer, err := r.exchange(binary.BigEndian.AppendUint16(raw, r.port), head)
	switch {
	case err != nil:
		return err
	case answer[0] != socksVersion:
		return r.refused("does not speak SOCKS 5")
	case answer[1] != 0:
		return r.socksFailure(answer[1])
	}
	return r.skipBound(answer[3])
}

// skipBound reads past the address that the proxy connects from.
func (r request) skipBound(kind byte) error {
	var size int
	switch kind {
	case addressIPv4:
		size = net.IPv4len
	case addressIPv6:
		size = net.IPv6len
	case addressName:
		length, err := r.read(1)
		if err != nil {
			return err
		}
		size = int(length[0])
	default:
		return r.refused("does not speak SOCKS 5")
	}
	_, err := r.read(size + 2)
	return err
}

func (r request) socksFailure(code byte) error {
	switch code {
	case 2:
		return r.refused("does not allow this connection")
	case 3, 4:
		return r.failed("no route to the host")
	case 5:
		return r.failed("connection refused")
	case 6:
		return r.failed("the host is too far away")
	case 7, 8:
		return r.refused("cannot make such a connection")
	default:
		return r.failed("no connection")
	}
}
