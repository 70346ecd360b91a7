package netguard_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/vedette/vedette/pkg/executor/netguard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func policy(t testing.TB, allow, deny string) netguard.Policy {
	t.Helper()
	a, err := netguard.Parse(strings.Fields(allow))
	require.NoError(t, err)
	d, err := netguard.Parse(strings.Fields(deny))
	require.NoError(t, err)
	return netguard.Policy{Allow: a, Deny: d}
}

func TestCheck(t *testing.T) {
	for _, tc := range []struct{ allow, deny, address, refusal string }{
		{"", "", "127.0.0.1", ""},
		{"", "", "10.1.2.3", ""},
		{"", "", "2001:db8::1", ""},
		{"", "", "169.254.169.254", "link-local"},
		{"169.254.0.0/16", "", "169.254.169.254", "link-local"},
		{"", "", "::ffff:169.254.169.254", "link-local"},
		{"", "", "fe80::1%eth0", "link-local"},
		{"", "", "ff02::1", "link-local"},
		{"", "", "224.0.0.251", "link-local"},
		{"", "", "64:ff9b::a9fe:a9fe", "169.254.169.254 is link-local"},
		{"", "", "2002:a9fe:a9fe::1", "169.254.169.254 is link-local"},
		{"", "", "64:ff9b::808:808", ""},
		{"", "", "100.100.100.200", "metadata"},
		{"", "", "168.63.129.16", "metadata"},
		{"", "", "fd00:ec2::254", "metadata"},
		{"", "", "fd20:ce::254", "metadata"},
		{"", "", "192.0.0.192", "metadata"},
		{"", "", "fd00:ec2::253", ""},
		{"", "", "64:ff9b:1::a9fe:a9fe", ""},
		{"0.0.0.0/0 ::/0", "", "fd00:ec2::254", "metadata"},
		{"", "10.0.0.0/8", "10.1.2.3", "in 10.0.0.0/8, denied by --deny"},
		{"", "10.0.0.0/8", "::ffff:10.1.2.3", "denied"},
		{"", "10.0.0.0/8", "11.1.2.3", ""},
		{"10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", ""},
		{"10.1.2.3", "10.0.0.0/8", "10.1.2.4", "denied"},
		{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "denied"},
		{"10.0.0.0/8", "10.0.0.0/8", "10.1.2.3", ""},
		{"192.0.2.0/24", "0.0.0.0/0 ::/0", "192.0.2.9", ""},
		{"192.0.2.0/24", "0.0.0.0/0 ::/0", "198.51.100.1", "denied"},
		{"", "private", "127.0.0.1", "denied"},
		{"", "private", "::1", "denied"},
		{"", "private", "0.0.0.0", "127.0.0.1 is in 127.0.0.0/8"},
		{"", "private", "::", "::1 is in ::1/128"},
		{"", "private", "172.31.255.255", "denied"},
		{"", "private", "172.32.0.1", ""},
		{"", "private", "fd12::1", "denied"},
		{"", "private", "100.64.0.1", "denied"},
		{"", "private", "2002:7f00:1::1", "denied"},
	} {
		err := policy(t, tc.allow, tc.deny).Check(netip.MustParseAddr(tc.address))
		if tc.refusal == "" {
			require.NoError(t, err, "%+v", tc)
			continue
		}
		require.ErrorIs(t, err, netguard.ErrForbidden, "%+v", tc)
		require.ErrorContains(t, err, tc.refusal, "%+v", tc)
	}
	require.ErrorIs(t, netguard.Policy{}.Check(netip.Addr{}), netguard.ErrForbidden)
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	for _, text := range []string{"", "10.0.0.0/33", "example.org", "10.0.0", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		_, err := netguard.Parse([]string{"private", text})
		require.ErrorContains(t, err, "use one such as 10.0.0.0/8", text)
	}
	prefixes, err := netguard.Parse([]string{" 10.1.2.3/8 ", "::1"})
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}, prefixes)
}

// TestDialRefusesBeforeAnythingIsSent looks at both transports, and at a name that resolves to what
// is denied.
func TestDialRefusesBeforeAnythingIsSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0"} {
		for _, network := range []string{"tcp", "udp"} {
			conn, err := policy(t, "", "private").Dial(t.Context(), network, net.JoinHostPort(host, port))
			require.ErrorIs(t, err, netguard.ErrForbidden, "%s %s", network, host)
			require.Nil(t, conn)
		}
	}
	conn, err := policy(t, "127.0.0.1", "private").Dial(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func FuzzCheck(f *testing.F) {
	f.Add("169.254.169.254")
	f.Add("64:ff9b::a9fe:a9fe")
	f.Add("::ffff:127.0.0.1")
	p := policy(f, "", "private")
	f.Fuzz(func(t *testing.T, text string) {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		if p.Check(address) == nil && (address.Unmap().IsLoopback() || address.Unmap().IsPrivate() || address.Unmap().IsUnspecified() || address.Unmap().IsLinkLocalUnicast()) {
			t.Fatalf("%s may be probed", text)
		}
	})
}
