package pingcheck_test

import (
	"net/netip"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/pingcheck"
)

// TestNotPermitted takes the capability from one thread, which ends with it.
func TestNotPermitted(t *testing.T) {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			result <- err
			return
		}
		link, err := pingcheck.Open(netip.Addr{}, netip.MustParseAddr("127.0.0.1"), 64)
		if err == nil {
			_ = link.Close()
		}
		result <- err
	}()
	err := <-result
	if err == nil {
		t.Skip("the sysctl net.ipv4.ping_group_range lets this group ping without a capability")
	}
	require.ErrorIs(t, err, pingcheck.ErrNotPermitted)
	require.ErrorIs(t, err, executor.ErrSetup)
	require.ErrorContains(t, err, "include its group in the sysctl net.ipv4.ping_group_range, or give it the capability CAP_NET_RAW")
}
