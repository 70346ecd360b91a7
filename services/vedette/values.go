package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// choice is a flag that is one of several words.
type choice struct {
	value   *string
	allowed []string
}

func chooseVar(flags *pflag.FlagSet, value *string, name, shorthand, byDefault, help string, allowed []string) {
	*value = byDefault
	flags.VarP(&choice{value, allowed}, name, shorthand, help+": "+strings.Join(allowed, ", "))
}

// String, Set and Type implement pflag.Value.
func (c *choice) String() string { return *c.value }

// Type is the kind of value as help shows it.
func (c *choice) Type() string { return "string" }

// Set refuses what is not among the words.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("use %s", strings.Join(c.allowed, ", "))
	}
	*c.value = text
	return nil
}

// networks is a flag of address ranges, repeated or separated by commas.
type networks struct{ value *[]netip.Prefix }

// String implements pflag.Value.
func (n networks) String() string {
	var parts []string
	for _, p := range *n.value {
		parts = append(parts, p.String())
	}
	return strings.Join(parts, ",")
}

// Type is the kind of value as help shows it.
func (networks) Type() string { return "CIDR" }

// Set adds ranges; a single address is a range of itself.
func (n networks) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if address, err := netip.ParseAddr(part); err == nil {
			*n.value = append(*n.value, netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return fmt.Errorf("%q is no address range: use one such as 10.0.0.0/8", part)
		}
		*n.value = append(*n.value, prefix.Masked())
	}
	return nil
}

// size is a flag of bytes: "512MiB", "16GiB".
type size struct{ value *int64 }

// units are those of a size, largest first.
func units() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}}
}

// String implements pflag.Value.
func (s size) String() string {
	if *s.value == 0 {
		return "" // not given: help shows no default
	}
	for _, u := range units() {
		if *s.value >= u.bytes && *s.value%u.bytes == 0 {
			return fmt.Sprint(*s.value/u.bytes) + u.name
		}
	}
	return fmt.Sprint(*s.value)
}

// Type is the kind of value as help shows it.
func (size) Type() string { return "size" }

// Set reads a number with a unit.
func (s size) Set(text string) error {
	for _, u := range units() {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 1 || n > (1<<62)/u.bytes {
			break
		}
		*s.value = n * u.bytes
		return nil
	}
	return fmt.Errorf("use a whole number with MiB, GiB or TiB, such as 16GiB")
}
