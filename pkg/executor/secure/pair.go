package secure

import (
	"crypto/sha256"
	"crypto/tls"
	"sync"
)

// keyPair keeps what was last read of a client's certificate and key, since reading them takes longer
// than a handshake. Safe for concurrent use.
type keyPair struct {
	mu   sync.Mutex
	of   [sha256.Size]byte
	pair *tls.Certificate
}

// load reads a pair in PEM, unless it was the last one read; not ok where it is none.
func (k *keyPair) load(certificate, key string) (pair *tls.Certificate, ok bool) {
	of := sha256.Sum256([]byte(certificate + "\x00" + key))
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair != nil && k.of == of {
		return k.pair, true
	}
	read, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return nil, false
	}
	k.of, k.pair = of, &read
	return k.pair, true
}
