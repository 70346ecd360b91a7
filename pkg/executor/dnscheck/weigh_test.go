package dnscheck

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// TestWhatIsReadTakesBoundedMemory fills messages with records of every type, of data that is made of
// names, lists of small things and odd characters, and measures what the library takes to read those
// that are not refused, as far as it can.
func TestWhatIsReadTakesBoundedMemory(t *testing.T) {
	const size, most = 60 << 10, 1400 << 10
	long := append(bytes.Repeat(append([]byte{62}, bytes.Repeat([]byte{7}, 62)...), 3), 0)
	fills := [][]byte{{0}, {0xc0, 12}, {0, 1, 0, 0xc0, 12}, {1, 0xff}}
	for kind := range dns.TypeToRR {
		for _, length := range []int{0, 18, 5000} {
			for _, fill := range fills {
				data := bytes.Repeat(fill, length/len(fill)+1)[:length]
				raw := append(make([]byte, headerSize), long...)
				raw = append(raw, 0, 10, 0, 1)
				binary.BigEndian.PutUint16(raw[4:], 1)
				records := 0
				for len(raw)+12+length < size {
					raw = append(raw, 0xc0, 12)
					raw = binary.BigEndian.AppendUint16(raw, kind)
					raw = append(raw, 0, 1, 0, 0, 0, 0)
					raw = append(binary.BigEndian.AppendUint16(raw, uint16(length)), data...)
					records++
				}
				binary.BigEndian.PutUint16(raw[6:], uint16(records))
				if weigh(raw) > maxWeight {
					continue
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_ = new(dns.Msg).Unpack(raw)
				runtime.ReadMemStats(&after)
				took := int(after.TotalAlloc - before.TotalAlloc)
				require.Less(t, took, most, "%s, %d records of %d bytes % x", dns.TypeToString[kind], records, length, fill)
			}
		}
	}
}
