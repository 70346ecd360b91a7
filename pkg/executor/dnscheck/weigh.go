package dnscheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/miekg/dns"
)

const (
	// maxQueries bounds how often servers are asked in one attempt.
	maxQueries = 160
	// maxWeight bounds the memory that the answers read in one attempt may take, in bytes: names that
	// point to each other make a thousand bytes of two.
	maxWeight = 768 << 10
)

// budget is what one attempt may spend. Safe for concurrent use.
type budget struct {
	mu              sync.Mutex
	queries, weight int
}

// ask takes one question off.
func (b *budget) ask() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queries++; b.queries > maxQueries {
		return fmt.Errorf("the check takes more than %d questions", maxQueries)
	}
	return nil
}

var errHeavy = errors.New("it is too much to read")

// read unpacks a message, if what that takes is left.
func (b *budget) read(raw []byte) (*dns.Msg, error) {
	weight := weigh(raw)
	b.mu.Lock()
	b.weight += weight
	heavy := b.weight > maxWeight
	b.mu.Unlock()
	if heavy {
		return nil, errHeavy
	}
	m := new(dns.Msg)
	return m, m.Unpack(raw)
}

const headerSize = 12

// weigh estimates, rather too high, the memory that a message takes once it is unpacked.
func weigh(raw []byte) int {
	const perMessage, perRecord, fixed = 256, 160, 10
	if len(raw) < headerSize {
		return 0
	}
	count := func(at int) int { return int(binary.BigEndian.Uint16(raw[at:])) }
	weight, off := perMessage, headerSize
	for range count(4) {
		size, next := weighName(raw, off)
		if next < 0 {
			return weight
		}
		weight += perRecord + size
		off = next + 4
	}
	for range count(6) + count(8) + count(10) {
		size, next := weighName(raw, off)
		if next < 0 || next+fixed > len(raw) {
			return weight
		}
		kind, length := binary.BigEndian.Uint16(raw[next:]), int(binary.BigEndian.Uint16(raw[next+8:]))
		off = next + fixed + length
		if off > len(raw) {
			return weight + size
		}
		weight += perRecord + size + weighData(kind, raw[off-length:off])
	}
	return weight
}

// weighData is the memory that the data of a record takes. Characters may take four as \DDD, and lists
// some three times what is in them, as they grow.
func weighData(kind uint16, data []byte) int {
	const escaped, perName, perString, perType, worst = 4, 255 * 4, 48, 6, 48
	switch kind {
	case dns.TypeA, dns.TypeAAAA, dns.TypeCAA, dns.TypeDNSKEY, dns.TypeDS, dns.TypeTLSA, dns.TypeSSHFP:
		return escaped * len(data)
	case dns.TypeTXT, dns.TypeSPF:
		weight := escaped * len(data)
		for at := 0; at < len(data); at += 1 + int(data[at]) {
			weight += perString
		}
		return weight
	case dns.TypeNS, dns.TypeCNAME, dns.TypePTR, dns.TypeMX, dns.TypeSRV, dns.TypeDNAME, dns.TypeRRSIG:
		return escaped*len(data) + perName/2 // half, as names without odd characters take a quarter
	case dns.TypeSOA:
		return escaped*len(data) + perName
	case dns.TypeNSEC, dns.TypeNSEC3:
		types := 0 // each bit may stand for one
		for _, b := range data {
			types += bits.OnesCount8(b)
		}
		return escaped*len(data) + perName/2 + perType*types
	}
	return worst*len(data) + perName/2 // lists of small things: parameters, options, prefixes
}

// weighName is the memory that a name takes, and where it ends; -1 for one that has no end.
func weighName(raw []byte, off int) (size, next int) {
	const pointer, maxPointers, longest = 0xC0, 126, 255
	next = -1
	for pointers := 0; off < len(raw); {
		length := int(raw[off])
		switch {
		case length == 0:
			if next < 0 {
				next = off + 1
			}
			return size + 1, next
		case length&pointer == pointer:
			if off+1 >= len(raw) {
				return size, -1
			}
			if next < 0 {
				next = off + 2
			}
			if pointers++; pointers > maxPointers {
				return size, next
			}
			off = (length&^pointer)<<8 | int(raw[off+1])
		case length&pointer != 0 || off+1+length > len(raw):
			return size, -1
		default:
			for _, c := range raw[off+1 : off+1+length] {
				size++
				if c < '!' || c > '~' {
					size += 3 // as \DDD
				}
			}
			size++
			off += 1 + length
			if size > longest*4 {
				return size, next
			}
		}
	}
	return size, -1
}
