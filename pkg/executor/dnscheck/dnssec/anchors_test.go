package dnssec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/dnscheck/dnssec"
)

func TestAnchors(t *testing.T) {
	for text, problem := range map[string]string{
		"":                           "is no record",
		"nonsense":                   "is no record",
		"example.org. A 192.0.2.1":   "is a record of type A: use DS or DNSKEY",
		"example.org. DS 1 8 2 abcd": "has a digest of another length than 32 bytes",
		"example.org. DS 1 3 2 " + strings.Repeat("ab", 32):        "has algorithm 3 with digest 2, which are not known",
		"example.org. CH DS 1 8 2 " + strings.Repeat("ab", 32):     "is not of class IN",
		"example.org. DNSKEY 0 3 13 " + strings.Repeat("A", 86):    "is no key that signs a zone",
		"$GENERATE 1-3 a$ DS 1 8 2 " + strings.Repeat("ab", 32):    "is no single record",
		strings.Repeat("a", 2001):                                  "is longer than 2000 bytes",
		"example.org. DNSKEY 257 3 16 " + strings.Repeat("A", 100): "has algorithm 16, which is not known",
	} {
		require.ErrorContains(t, dnssec.Anchors{}.Add(text), problem, text)
	}
	anchors := dnssec.Anchors{}
	require.NoError(t, anchors.Add("Example.ORG DS 1 8 2 "+strings.Repeat("AB", 32)))
	require.NoError(t, anchors.Add("example.org. 300 IN DS 2 13 4 "+strings.Repeat("ab", 48)))
	require.Len(t, anchors["example.org."], 2)
}

// TestRootAnchorsAreThoseOfTheKeys holds the digests to the keys as Debian publishes them in dns-root-data.
func TestRootAnchorsAreThoseOfTheKeys(t *testing.T) {
	anchors := dnssec.Anchors{}
	for _, key := range []string{
		"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
		"AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=",
	} {
		require.NoError(t, anchors.Add(". DNSKEY 257 3 8 "+key))
	}
	for i, digest := range dnssec.RootAnchors()["."] {
		require.Equal(t, anchors["."][i].KeyTag, digest.KeyTag)
		require.Equal(t, anchors["."][i].Digest, digest.Digest)
	}
}
