package signedzone

import (
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// World is zones that know each other, as a resolver that does not validate sees them.
type World []*Zone

// ServeDNS implements dns.Handler.
func (w World) ServeDNS(to dns.ResponseWriter, q *dns.Msg) { Serve(w.Answer)(to, q) }

// Serve sends what a function answers, cut to what fits into a datagram.
func Serve(answer func(q *dns.Msg) *dns.Msg) dns.HandlerFunc {
	return func(to dns.ResponseWriter, q *dns.Msg) {
		reply := answer(q)
		if _, udp := to.RemoteAddr().(*net.UDPAddr); udp {
			size := dns.MinMsgSize
			if opt := q.IsEdns0(); opt != nil {
				size = int(opt.UDPSize())
			}
			reply.Truncate(size)
		}
		_ = to.WriteMsg(reply)
	}
}

// zone returns the zone that a name lies in; the digests of a zone's keys lie in the one above.
func (w World) zone(name string, kind uint16) (found *Zone) {
	for _, z := range w {
		if !dns.IsSubDomain(z.Name, name) || (kind == dns.TypeDS && z.Name == name && name != ".") {
			continue
		}
		if found == nil || dns.CountLabel(z.Name) > dns.CountLabel(found.Name) {
			found = z
		}
	}
	return found
}

// Answer answers a question, following aliases, with signatures and proofs as if they had been asked
// for.
func (w World) Answer(q *dns.Msg) *dns.Msg {
	reply := new(dns.Msg).SetReply(q)
	reply.RecursionAvailable = true
	if opt := q.IsEdns0(); opt != nil {
		reply.SetEdns0(opt.UDPSize(), true)
	}
	name, kind := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	const most = 20
	for range most {
		z := w.zone(name, kind)
		if z == nil {
			reply.Rcode = dns.RcodeRefused
			return reply
		}
		next := z.answer(reply, name, kind)
		if next == "" {
			return reply
		}
		name = next
	}
	return reply
}

// answer adds what the zone has to say of a name, and returns the one that it is an alias for.
func (z *Zone) answer(reply *dns.Msg, name string, kind uint16) (next string) {
	for _, r := range z.records {
		d, ok := r.(*dns.DNAME)
		if !ok || d.Hdr.Name == name || !dns.IsSubDomain(d.Hdr.Name, name) {
			continue
		}
		target := strings.TrimSuffix(name, d.Hdr.Name) + d.Target
		alias := &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}, Target: target}
		reply.Answer = append(append(append(reply.Answer, d), z.Sign([]dns.RR{d})...), alias)
		return target
	}
	if z.exists(name) {
		return z.from(reply, name, name, kind)
	}
	star := "*." + strings.TrimPrefix(z.encloser(name), ".")
	if z.exists(star) {
		next = z.from(reply, star, name, kind)
		if len(reply.Answer) > 0 {
			reply.Ns = append(reply.Ns, z.denyNext(name)...)
		}
		return next
	}
	reply.Rcode = dns.RcodeNameError
	z.deny(reply, z.denyNext(name), z.denyEncloser(name), z.denyNext(star))
	return ""
}

// from answers with the records at owner, under the name asked for.
func (z *Zone) from(reply *dns.Msg, owner, name string, kind uint16) (next string) {
	give := func(records []dns.RR) {
		for _, r := range append(slices.Clip(records), z.Sign(records)...) {
			r = dns.Copy(r)
			r.Header().Name = name
			reply.Answer = append(reply.Answer, r)
		}
	}
	if kind == dns.TypeANY {
		for _, t := range z.types(owner) {
			give(z.at(owner, t))
		}
	}
	if records := z.at(owner, kind); len(records) > 0 {
		give(records)
		return ""
	}
	if alias := z.at(owner, dns.TypeCNAME); len(alias) > 0 {
		give(alias)
		if c, ok := alias[0].(*dns.CNAME); ok {
			return strings.ToLower(c.Target)
		}
	}
	if len(reply.Answer) == 0 || reply.Answer[len(reply.Answer)-1].Header().Name != name {
		if owner == name {
			z.deny(reply, z.denyAt(name), nil, nil)
		} else {
			z.deny(reply, z.denyNext(name), z.denyEncloser(name), z.denyAt(owner))
		}
	}
	return ""
}

// deny adds a proof, each record once, and the SOA record.
func (z *Zone) deny(reply *dns.Msg, proofs ...[]dns.RR) {
	soa := z.at(z.Name, dns.TypeSOA)
	reply.Ns = append(append(reply.Ns, soa...), z.Sign(soa)...)
	known := make(map[string]bool)
	for _, proof := range proofs {
		for _, r := range proof {
			if key := r.Header().Name + dns.Type(r.Header().Rrtype).String(); !known[key] {
				known[key] = true
				reply.Ns = append(reply.Ns, r)
			}
		}
	}
}

// encloser is the closest name above one that exists.
func (z *Zone) encloser(name string) string {
	for _, at := range dns.Split(name)[1:] {
		if z.exists(name[at:]) {
			return name[at:]
		}
	}
	return "."
}
