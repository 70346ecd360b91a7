package kinds_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/dnscheck"
	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/executor/executortest/debian"
	"github.com/vedette/vedette/pkg/monitor"
)

// knotZone is one that knot serves; without a policy it is served as it is.
type knotZone struct{ Name, Policy string }

// knot is a server of the zones below test.
type knot struct {
	Folder, Address string
	Port            int
	Zones           []knotZone
	// Six is whether it is at ::1 as well.
	Six bool
	// Anchor is the DS record of test.
	Anchor string
}

// freePort is one that is free for TCP and UDP.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	packets, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.NoError(t, packets.Close())
	return port
}

// hasIPv6 reports whether servers can be at ::1 too.
func hasIPv6() bool {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err == nil {
		_ = listener.Close()
	}
	return err == nil
}

// eachVersion runs a test with the address of this machine by each version of IP that it has.
func eachVersion(t *testing.T, test func(t *testing.T, host string)) {
	t.Helper()
	hosts := []string{"127.0.0.1"}
	if hasIPv6() {
		hosts = append(hosts, "::1")
	}
	for _, host := range hosts {
		t.Run(host, func(t *testing.T) { test(t, host) })
	}
}

// fill writes a file of testdata with its fields filled in.
func fill(t *testing.T, name, into string, with any) {
	t.Helper()
	parsed, err := template.ParseFiles(filepath.Join("testdata", "dns", name))
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, parsed.Execute(&text, with))
	require.NoError(t, os.WriteFile(into, []byte(text.String()), 0o600))
}

// startKnot starts knot with zones signed by keys made beforehand, so that the zone above knows them,
// and some that are broken.
func startKnot(t *testing.T, address string) *knot {
	t.Helper()
	daemon, keymgr, sign := debian.Program(t, "knotd", "knot"), debian.Program(t, "keymgr", "knot"), debian.Program(t, "kzonesign", "knot-dnssecutils")
	if packets, err := net.ListenPacket("udp", address+":53"); err != nil {
		t.Skip("port 53 cannot be had: ", err)
	} else {
		require.NoError(t, packets.Close())
	}
	k := &knot{Folder: t.TempDir(), Address: address, Port: freePort(t), Six: hasIPv6()}
	for _, folder := range []string{"db", "zones", "old"} {
		require.NoError(t, os.Mkdir(filepath.Join(k.Folder, folder), 0o700))
	}
	config := filepath.Join(k.Folder, "knot.conf")
	k.Zones = []knotZone{
		{"test.", "nsec"}, {"hashed.test.", "nsec3"}, {"optout.test.", "optout"}, {"rsa.test.", "rsa"}, {"ed.test.", "ed"},
		{"expired.test.", "nsec"}, {"mismatch.test.", "nsec"},
		{"plain.test.", ""}, {"bare.optout.test.", ""}, {"stripped.test.", ""},
	}
	fill(t, "knot.conf", config, k)
	more := make(map[string]string)
	for _, z := range k.Zones {
		above := strings.SplitN(z.Name, ".", 2)[1]
		more[above] += fmt.Sprintf("%s IN NS ns.%s\nns.%s IN A %s\n", z.Name, z.Name, z.Name, address)
		if z.Policy == "" {
			continue
		}
		algorithm := map[string]string{"nsec": "ECDSAP256SHA256", "nsec3": "ECDSAP384SHA384", "optout": "ECDSAP256SHA256", "rsa": "RSASHA256", "ed": "ED25519"}[z.Policy]
		for _, role := range []string{"yes", "no"} {
			debian.Run(t, keymgr, "-c", config, z.Name, "generate", "algorithm="+algorithm, "ksk="+role, "zsk="+map[string]string{"yes": "no", "no": "yes"}[role],
				"created=20190101000000", "publish=20190101000000", "ready=20190101000000", "active=20190101000000")
		}
		digest, _, _ := strings.Cut(debian.Run(t, keymgr, "-c", config, z.Name, "ds"), "\n")
		switch z.Name {
		case "test.":
			k.Anchor = digest
		case "mismatch.test.":
			last := digest[len(digest)-1]
			more[above] += digest[:len(digest)-1] + map[bool]string{true: "1", false: "0"}[last == '0'] + "\n"
		default:
			more[above] += digest + "\n"
		}
	}
	more["test."] += "stripped.test. IN DS 12345 13 2 " + strings.Repeat("ab", 32) + "\n"
	for _, z := range k.Zones {
		fill(t, "zone.tmpl", filepath.Join(k.Folder, "zones", strings.TrimSuffix(z.Name, ".")+".zone"), map[string]string{"Address": address, "More": more[z.Name]})
	}
	// A zone that nobody has signed again for years.
	old := filepath.Join(k.Folder, "old")
	debian.Run(t, sign, "-c", config, "-t", fmt.Sprint(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Unix()), "-o", old, "expired.test.")
	signed, err := os.ReadDir(old)
	require.NoError(t, err)
	require.Len(t, signed, 1)
	require.NoError(t, os.Rename(filepath.Join(old, signed[0].Name()), filepath.Join(k.Folder, "zones", "expired.test.zone")))
	for i := range k.Zones {
		if k.Zones[i].Name == "expired.test." {
			k.Zones[i].Policy = ""
		}
	}
	fill(t, "knot.conf", config, k)
	debian.Start(t, func() bool { return answers(fmt.Sprintf("127.0.0.1:%d", k.Port), k.Zones...) }, daemon, "-c", config)
	return k
}

// answers reports whether a server answers for all of some zones.
func answers(server string, zones ...knotZone) bool {
	client := &dns.Client{Timeout: time.Second}
	return !slices.ContainsFunc(zones, func(z knotZone) bool {
		query := new(dns.Msg).SetQuestion(z.Name, dns.TypeSOA)
		query.CheckingDisabled = true
		reply, _, err := client.Exchange(query, server)
		return err != nil || len(reply.Answer) == 0
	})
}

// unbound is a validating resolver over knot.
type unbound struct {
	*knot

	Folder                           string
	Server, Port, TLSPort, HTTPSPort int
	authority                        string
}

func startUnbound(t *testing.T, k *knot) *unbound {
	t.Helper()
	u := &unbound{knot: k, Folder: t.TempDir(), Server: k.Port, Port: freePort(t), TLSPort: freePort(t), HTTPSPort: freePort(t)}
	daemon := debian.Program(t, "unbound", "unbound")
	certificate, authority := executortest.Certificate(t)
	u.authority = authority
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(u.Folder, "certificate.pem"), []byte(authority), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(u.Folder, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	config := filepath.Join(u.Folder, "unbound.conf")
	fill(t, "unbound.conf", config, u)
	debian.Start(t, func() bool { return answers(u.address(), k.Zones[0]) }, daemon, "-d", "-c", config)
	return u
}

func (u *unbound) address() string { return fmt.Sprintf("127.0.0.1:%d", u.Port) }

// opinion is what unbound, which validates by itself, says of a name.
func (u *unbound) opinion(t *testing.T, name string, qtype uint16) string {
	t.Helper()
	query := new(dns.Msg).SetQuestion(name, qtype)
	query.SetEdns0(1232, true)
	client := &dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	reply, _, err := client.Exchange(query, u.address())
	require.NoError(t, err)
	switch {
	case reply.Rcode == dns.RcodeServerFailure:
		return "bogus"
	case reply.AuthenticatedData:
		return "secure"
	}
	return "insecure"
}

func (u *unbound) look(t *testing.T, target string, options map[string]any, assertions ...string) monitor.Result {
	t.Helper()
	d := monitor.Definition{Kind: "dns", Target: target, Assertions: assertions, Timeout: monitor.Duration(5 * time.Second)}
	all := map[string]any{"server": u.address()}
	maps.Copy(all, options)
	d.Options = executortest.Options(t, all)
	return executortest.Engine(t, []executor.Executor{dnscheck.New("", "")}).Execute(t.Context(), executortest.Execution(d))
}

func (u *unbound) validating() map[string]any {
	return map[string]any{"validate": true, "trust_anchors": []string{u.Anchor}}
}

// TestRealNameServersAgreeOnSignatures asks for what is there and what is not in every zone, of the
// resolver and of the server of the zones, and wants what unbound says.
func TestRealNameServersAgreeOnSignatures(t *testing.T) {
	u := startUnbound(t, startKnot(t, "127.0.71.1"))
	authoritative := fmt.Sprintf("127.0.0.1:%d", u.Server)
	seen := map[string]int{}
	for _, z := range u.Zones {
		for _, q := range []struct {
			name  string
			qtype string
		}{
			{"", "SOA"}, {"", "NS"}, {"", "MX"}, {"", "CAA"}, {"", "HTTPS"}, {"", "DNSKEY"}, {"", "DS"}, {"www.", "A"}, {"www.", "AAAA"}, {"www.", "MX"}, {"www.", "DS"},
			{"below.", "A"}, {"deep.below.", "TXT"}, {"deep.below.", "A"}, {"gone.", "A"}, {"x.y.gone.", "AAAA"}, {"a.wild.", "A"}, {"a.b.wild.", "TXT"}, {"a.wild.", "MX"},
			{"wild.", "A"}, {"*.wild.", "A"}, {"alias.", "A"}, {"alias.", "MX"}, {"far.", "A"}, {"star.", "A"}, {"none.", "A"}, {"www.moved.", "A"}, {"gone.moved.", "A"},
			{"_443._tcp.www.", "TLSA"}, {"_tcp.www.", "A"}, {"gone.below.", "TYPE65400"},
		} {
			name := q.name + z.Name
			if name == "test." && q.qtype == "DS" {
				continue // there is no zone above it
			}
			want := u.opinion(t, name, dns.StringToType[q.qtype])
			if q.qtype == "TYPE65400" {
				want = u.opinion(t, name, 65400)
			}
			// A server of zones does not follow aliases from one to another.
			for server, more := range map[string]string{u.address(): "", authoritative: " || (dnssec == 'indeterminate' && cname != [] && answers == [])"} {
				r := u.look(t, name, map[string]any{"server": server, "type": q.qtype, "dnssec": u.validating()}, "dnssec == '"+want+"'"+more)
				require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s %s at %s: %s: %v", name, q.qtype, server, r.Error, r.Observed)
			}
			seen[want]++
		}
	}
	require.Greater(t, seen["secure"], 100, "%v", seen)
	require.Greater(t, seen["bogus"], 50, "%v", seen)
	require.Greater(t, seen["insecure"], 30, "%v", seen)
}

func TestRealNameServers(t *testing.T) {
	k := startKnot(t, "127.0.72.1")
	u := startUnbound(t, k)
	success := func(r monitor.Result) {
		t.Helper()
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %v", r.Error, r.Observed)
	}
	success(u.look(t, "www.test", map[string]any{"expect": map[string]any{"answers": []string{"192.0.2.1", "192.0.2.2"}, "match": "exact", "min_ttl": 1}}))
	success(u.look(t, "gone.test", map[string]any{"expect": map[string]any{"rcode": "NXDOMAIN"}}))
	success(u.look(t, "test", map[string]any{"type": "HTTPS", "expect": map[string]any{"patterns": []string{`^1 \. alpn="h2,h3"`}}}))
	success(u.look(t, "far.test", map[string]any{"dnssec": u.validating()}, `cname == ["www.hashed.test."]`, `dnssec == "secure"`, `rrsig_expires_in > duration("1h")`))
	success(u.look(t, "www.expired.test", map[string]any{}, `rcode == "SERVFAIL"`))
	success(u.look(t, "www.expired.test", map[string]any{"flags": map[string]any{"checking_disabled": true}}, `rcode == "NOERROR" && "cd" in flags && !("ad" in flags)`))
	success(u.look(t, "www.test", map[string]any{"flags": map[string]any{"authenticated_data": true}}, `"ad" in flags`))
	r := u.look(t, "www.expired.test", map[string]any{"dnssec": u.validating()})
	require.Contains(t, r.Error, "DNSSEC is bogus, expected secure: the signature of DNSKEY of expired.test expired on 2020-01-")
	r = u.look(t, "www.mismatch.test", map[string]any{"dnssec": u.validating()})
	require.Contains(t, r.Error, "no key of mismatch.test is the one that its DS in test names")
	r = u.look(t, "www.stripped.test", map[string]any{"dnssec": u.validating()})
	require.Contains(t, r.Error, "stripped.test has no key, though its DS in test names one")

	eachVersion(t, func(t *testing.T, host string) {
		at := func(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
		for transport, server := range map[string]string{"udp": at(u.Port), "tcp": at(u.Port), "dot": at(u.TLSPort), "doh": "https://" + at(u.HTTPSPort) + "/dns-query"} {
			for _, method := range []string{"POST", "GET"} {
				r := u.look(t, "www.hashed.test", map[string]any{
					"server": server, "transport": transport, "doh_method": method, "tls": map[string]any{"ca": u.authority}, "dnssec": u.validating(),
				}, `transport == "`+transport+`"`, `answers == ["192.0.2.1", "192.0.2.2"]`, `dnssec == "secure"`)
				require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %v", r.Error, r.Observed)
			}
		}
		r := u.look(t, "www.test", map[string]any{"server": at(k.Port)}, `"aa" in flags`, `answers == ["192.0.2.1", "192.0.2.2"]`)
		require.Equal(t, monitor.OutcomeSuccess, r.Outcome, "%s: %v", r.Error, r.Observed)
	})
	authoritative := fmt.Sprintf("127.0.0.1:%d", k.Port)
	success(u.look(t, "version.server", map[string]any{"server": authoritative, "type": "TXT", "class": "CH"}, `rcode == "NOERROR" || rcode == "REFUSED"`))
	success(u.look(t, "www.test", map[string]any{"server": "", "servers": []string{u.address(), authoritative}}, "agree"))
	r = u.look(t, "www.expired.test", map[string]any{"server": "", "servers": []string{u.address(), authoritative}})
	require.Contains(t, r.Error, "the servers differ: "+u.address()+": SERVFAIL without records; "+authoritative+": 192.0.2.1, 192.0.2.2")
	success(u.look(t, "test", map[string]any{"type": "SOA", "serial_consistency": true}, "consistent", "serials.size() == 1"))
	r = u.look(t, "www.test", map[string]any{"server": authoritative, "type": "SOA", "serial_consistency": true})
	require.Contains(t, r.Error, "no SOA record")
}
