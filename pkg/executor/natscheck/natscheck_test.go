package natscheck_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/executor/executortest"
	"github.com/vedette/vedette/pkg/monitor"
)

const (
	succeeds = monitor.OutcomeSuccess
	degrades = monitor.OutcomeDegraded
	fails    = monitor.OutcomeFailure
	errs     = monitor.OutcomeError
)

func TestWhatIsInJetStream(t *testing.T) {
	address := filled(t)
	orders := func(more map[string]any) map[string]any {
		options := map[string]any{"stream": "ORDERS", "consumer": "worker"}
		maps.Copy(options, more)
		return options
	}
	limits := func(name string, most int, more ...any) map[string]any {
		l := map[string]any{name: most}
		if len(more) > 0 {
			l["warn_at"] = more[0]
		}
		return orders(map[string]any{"limits": l})
	}
	key := func(bucket, key string) map[string]any { return map[string]any{"bucket": bucket, "key": key} }
	for name, tc := range map[string]struct {
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"nothing asked": {outcome: succeeds, assertions: []string{
			`server == "n1"`, `version.matches("^[0-9]+[.][0-9]+")`, `cluster == ""`, "jetstream", "max_payload == 1048576", `tls_version == ""`, "certificate == {}",
			`rtt > duration("0s") && rtt < latency && rtt_ms > 0.0`, `ip == "127.0.0.1"`, "timings.first_byte_ms > 0.0 && timings.tls_ms == 0.0",
		}},
		"not asked for": {assertions: []string{"messages < 5"}, outcome: fails, text: "is only known with options.stream"},
		"account": {options: map[string]any{"jetstream": true}, outcome: succeeds, assertions: []string{
			"jetstream", "account.streams == 3", "account.consumers == 1", "account.storage > 100", "account.max_storage == -1",
		}},
		"stream": {options: orders(nil), outcome: succeeds, assertions: []string{
			"messages == 10", "bytes > 100", "consumers == 1", "replicas == 1", `leader == "n1"`, "pending == 8", "ack_pending == 2", "redelivered == 0", "waiting == 0",
		}},
		"within limits":         {options: orders(map[string]any{"limits": map[string]any{"messages": 13, "bytes": 1000000, "pending": 11, "ack_pending": 3}}), outcome: succeeds},
		"too many messages":     {options: limits("messages", 9), outcome: fails, text: "the stream ORDERS holds 10 messages, more than 9"},
		"nearly too many":       {options: limits("messages", 12), outcome: degrades, text: "the stream ORDERS holds 10 messages, of at most 12"},
		"nearly, asserted too":  {options: limits("messages", 12), assertions: []string{"messages < 11"}, outcome: degrades, text: "of at most 12"},
		"not yet nearly":        {options: limits("messages", 11, 100), outcome: succeeds},
		"too many bytes":        {options: limits("bytes", 50), outcome: fails, text: "bytes, more than 50"},
		"too many pending":      {options: limits("pending", 0), outcome: fails, text: "8 messages wait for the consumer worker, more than 0"},
		"too many unanswered":   {options: limits("ack_pending", 1), outcome: fails, text: "2 messages of the consumer worker are not acknowledged, more than 1"},
		"nearly unanswered":     {options: limits("ack_pending", 2), outcome: degrades, text: "2 messages of the consumer worker are not acknowledged, of at most 2"},
		"its own limit":         {options: orders(map[string]any{"limits": map[string]any{"warn_at": 50}}), outcome: degrades, text: "the stream ORDERS, which refuses what is too much, holds 10 messages, of at most 20"},
		"too few replicas":      {options: orders(map[string]any{"min_replicas": 2}), outcome: fails, text: "the stream ORDERS has 1 current replicas, at least 2 are wanted"},
		"no stream":             {options: map[string]any{"stream": "GONE"}, outcome: fails, text: "there is no stream GONE"},
		"no consumer":           {options: map[string]any{"stream": "ORDERS", "consumer": "gone"}, outcome: fails, text: "the stream ORDERS has no consumer gone"},
		"no stream, a consumer": {options: map[string]any{"stream": "GONE", "consumer": "gone"}, outcome: fails, text: "there is no stream GONE"},
		"key":                   {options: key("settings", "mode"), outcome: succeeds, assertions: []string{`value == "fast"`, "revision == 1", `value_age < duration("1m")`}},
		"no key":                {options: key("settings", "none"), outcome: fails, text: "the bucket settings has no key none"},
		"deleted key":           {options: key("settings", "gone"), outcome: fails, text: "the key gone of the bucket settings was deleted"},
		"big key":               {options: key("settings", "big"), outcome: fails, text: "the server sent a message of 3073"},
		"no bucket":             {options: key("none", "mode"), outcome: fails, text: "there is no bucket none"},
		"of the leader":         {options: key("old", "mode"), outcome: succeeds, assertions: []string{`value == "slow"`, `value_age < duration("1m")`}},
		"of the leader, put":    {options: key("old", "put"), outcome: succeeds, assertions: []string{`value == "slow"`}},
		"of the leader, gone":   {options: key("old", "gone"), outcome: fails, text: "the key gone of the bucket old was deleted"},
		"of the leader, none":   {options: key("old", "none"), outcome: fails, text: "the bucket old has no key none"},
		"another domain":        {options: map[string]any{"jetstream": true, "domain": "hub"}, outcome: fails, text: "JetStream does not answer"},
		"TLS wanted":            {options: map[string]any{"tls": map[string]any{"mode": "required"}}, outcome: fails, text: "the server does not offer TLS"},
		"other version of IP":   {options: map[string]any{"ip_version": "6"}, outcome: fails},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, nil, address, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
			if tc.outcome == succeeds {
				require.Empty(t, r.Error)
			}
		})
	}
}

func TestLogins(t *testing.T) {
	user, err := nkeys.CreateUser()
	require.NoError(t, err)
	public, err := user.PublicKey()
	require.NoError(t, err)
	seed, err := user.Seed()
	require.NoError(t, err)
	never := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.>"}}}
	inbox := &server.Permissions{Subscribe: &server.SubjectPermission{Allow: []string{"_R.me.>"}}}
	named := serve(t, &server.Options{
		JetStream: true, Users: []*server.User{{Username: "ann", Password: "pw"}, {Username: "bob", Password: "pw", Permissions: never}, {Username: "cem", Password: "pw", Permissions: inbox}},
		Nkeys: []*server.NkeyUser{{Nkey: public}},
	})
	token, open := serve(t, &server.Options{Authorization: "letmein"}), serve(t, &server.Options{})
	operated, credentials := operator(t)
	known := map[string]string{
		"VEDETTE_SECRET_PW": "pw", "VEDETTE_SECRET_WRONG": "wr", "VEDETTE_SECRET_TOKEN": "letmein", "VEDETTE_SECRET_SEED": string(seed), "VEDETTE_SECRET_CREDS": credentials,
	}
	for name, tc := range map[string]struct {
		target  string
		options map[string]any
		outcome monitor.Outcome
		text    string
	}{
		"password":        {named, map[string]any{"user": "ann", "password": "secret://pw"}, succeeds, ""},
		"wrong password":  {named, map[string]any{"user": "ann", "password": "secret://wrong"}, fails, "the server refused: Authorization Violation"},
		"nobody":          {named, nil, fails, "the server refused: Authorization Violation"},
		"nkey":            {named, map[string]any{"nkey_seed": "secret://seed"}, succeeds, ""},
		"no seed":         {named, map[string]any{"nkey_seed": "secret://pw"}, errs, "nkey_seed is no seed of an nkey"},
		"token":           {token, map[string]any{"token": "secret://token"}, succeeds, ""},
		"wrong token":     {token, map[string]any{"token": "secret://pw"}, fails, "the server refused: Authorization Violation"},
		"nkey, unasked":   {open, map[string]any{"nkey_seed": "secret://seed"}, fails, "the server does not take nkeys or credentials"},
		"credentials":     {operated, map[string]any{"credentials": "secret://creds"}, succeeds, ""},
		"no credentials":  {operated, map[string]any{"credentials": "secret://pw"}, errs, "credentials are no credentials file"},
		"unknown secret":  {named, map[string]any{"user": "ann", "password": "secret://nope"}, errs, "VEDETTE_SECRET_NOPE"},
		"may not ask":     {named, map[string]any{"user": "bob", "password": "secret://pw", "jetstream": true}, fails, `the server refused: Permissions Violation for Publish to "$JS.API.INFO"`},
		"may not hear":    {named, map[string]any{"user": "cem", "password": "secret://pw", "jetstream": true}, fails, "the server refused: Permissions Violation for Subscription to"},
		"hears elsewhere": {named, map[string]any{"user": "cem", "password": "secret://pw", "jetstream": true, "inbox": "_R.me"}, succeeds, ""},
		"no JetStream":    {open, map[string]any{"stream": "ORDERS"}, fails, "JetStream does not answer: it is not enabled for this account"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, known, tc.target, tc.options)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}

// operator starts a server that takes JWTs, and returns its address and credentials for it.
func operator(t *testing.T) (address, credentials string) {
	t.Helper()
	pair := func(create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		key, err := create()
		require.NoError(t, err)
		public, err := key.PublicKey()
		require.NoError(t, err)
		return key, public
	}
	root, rootID := pair(nkeys.CreateOperator)
	owner, ownerID := pair(nkeys.CreateAccount)
	user, userID := pair(nkeys.CreateUser)
	operator := jwt.NewOperatorClaims(rootID)
	signed, err := jwt.NewAccountClaims(ownerID).Encode(root)
	require.NoError(t, err)
	accounts := &server.MemAccResolver{}
	require.NoError(t, accounts.Store(ownerID, signed))
	mine, err := jwt.NewUserClaims(userID).Encode(owner)
	require.NoError(t, err)
	seed, err := user.Seed()
	require.NoError(t, err)
	raw, err := jwt.FormatUserConfig(mine, seed)
	require.NoError(t, err)
	return serve(t, &server.Options{TrustedOperators: []*jwt.OperatorClaims{operator}, AccountResolver: accounts}), string(raw)
}

func TestTLS(t *testing.T) {
	certificate, authority := executortest.Certificate(t, func(c *x509.Certificate) {
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	})
	raw, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	config := func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	mutual := config()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	require.True(t, mutual.ClientCAs.AppendCertsFromPEM([]byte(authority)))
	wanted := serve(t, &server.Options{TLSConfig: config(), TLSTimeout: 5})
	first := serve(t, &server.Options{TLSConfig: config(), TLSHandshakeFirst: true, TLSTimeout: 5})
	either := serve(t, &server.Options{TLSConfig: config(), AllowNonTLS: true, TLSTimeout: 5})
	both := serve(t, &server.Options{TLSConfig: mutual, TLSVerify: true, TLSTimeout: 5})
	options := func(more ...string) map[string]any {
		o := map[string]any{"ca": authority}
		for i := 0; i < len(more); i += 2 {
			o[more[i]] = more[i+1]
		}
		return map[string]any{"tls": o}
	}
	secured := []string{`tls_version == "TLS 1.3"`, `certificate.subject == "CN=test"`, `certificate.expires_in > duration("20m")`, "timings.tls_ms > 0.0"}
	for name, tc := range map[string]struct {
		target     string
		options    map[string]any
		assertions []string
		outcome    monitor.Outcome
		text       string
	}{
		"wanted by the server":  {wanted, options(), secured, succeeds, ""},
		"wanted by both":        {wanted, options("mode", "required"), secured, succeeds, ""},
		"wanted by the check":   {either, options("mode", "required"), secured, succeeds, ""},
		"wanted by neither":     {either, options(), []string{`tls_version == ""`}, succeeds, ""},
		"first":                 {first, options("mode", "first"), secured, succeeds, ""},
		"first, not asked":      {wanted, options("mode", "first"), nil, fails, "the server does not speak TLS"},
		"untrusted":             {wanted, nil, nil, fails, "certificate: signed by an authority that is not trusted"},
		"another name":          {wanted, options("server_name", "other.test"), nil, fails, "certificate: x509: certificate is valid for localhost, example.org, not other.test"},
		"anyone":                {wanted, map[string]any{"tls": map[string]any{"skip_verify": true}}, secured, succeeds, ""},
		"client's own":          {both, options("certificate", authority, "key", "secret://key"), secured, succeeds, ""},
		"client's own, missing": {both, options(), nil, fails, "tls: certificate required"},
		"no pair":               {both, options("certificate", authority, "key", "secret://other"), nil, errs, "certificate and key of tls are no pair"},
	} {
		t.Run(name, func(t *testing.T) {
			r := execute(t, map[string]string{"VEDETTE_SECRET_KEY": key, "VEDETTE_SECRET_OTHER": "x"}, tc.target, tc.options, tc.assertions...)
			require.Equal(t, tc.outcome, r.Outcome, r.Error)
			require.Contains(t, r.Error, tc.text)
		})
	}
}

// A server that goes on in plain text before the handshake may be somebody in between.
func TestNothingIsTakenFromPlainTextBeforeTLS(t *testing.T) {
	address := executortest.ServeConns(t, func(c net.Conn) { _, _ = c.Write([]byte("INFO {\"tls_required\":true}\r\nPONG\r\n")) })
	r := execute(t, nil, address, nil)
	require.Equal(t, fails, r.Outcome)
	require.Contains(t, r.Error, "it went on in plain text before TLS")
	require.True(t, strings.HasPrefix(r.Error, "the server does not speak NATS"))
}

// TestPermissionsThatAreEnough holds what the page of the kind says.
func TestPermissionsThatAreEnough(t *testing.T) {
	may := &server.Permissions{
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		Publish: &server.SubjectPermission{Allow: []string{
			"$JS.API.INFO", "$JS.API.STREAM.INFO.ORDERS", "$JS.API.CONSUMER.INFO.ORDERS.worker", "$JS.API.STREAM.INFO.KV_settings", "$JS.API.DIRECT.GET.KV_settings.>",
			"$JS.API.STREAM.INFO.KV_old", "$JS.API.STREAM.MSG.GET.KV_old",
		}},
	}
	address := filled(t, &server.User{Username: "admin", Password: "pw"}, &server.User{Username: "watch", Password: "pw", Permissions: may})
	for _, bucket := range []string{"settings", "old"} {
		r := execute(t, map[string]string{"VEDETTE_SECRET_PW": "pw"}, address, map[string]any{
			"user": "watch", "password": "secret://pw", "jetstream": true, "stream": "ORDERS", "consumer": "worker", "bucket": bucket, "key": "mode",
		})
		require.Equal(t, succeeds, r.Outcome, r.Error)
	}
}
