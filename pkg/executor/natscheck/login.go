package natscheck

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/nats-io/nkeys"

	"github.com/vedette/vedette/pkg/executor"
)

// login is what a client says of itself as CONNECT.
type login struct {
	Verbose      bool   `json:"verbose"`
	Pedantic     bool   `json:"pedantic"`
	TLSRequired  bool   `json:"tls_required"`
	User         string `json:"user,omitempty"`
	Password     string `json:"pass,omitempty"`
	Token        string `json:"auth_token,omitempty"`
	JWT          string `json:"jwt,omitempty"`
	NKey         string `json:"nkey,omitempty"`
	Signature    string `json:"sig,omitempty"`
	Name         string `json:"name"`
	Lang         string `json:"lang"`
	Version      string `json:"version"`
	Protocol     int    `json:"protocol"`
	Echo         bool   `json:"echo"`
	Headers      bool   `json:"headers"`
	NoResponders bool   `json:"no_responders"`
}

// filled are options with their secrets put in.
type filled struct{ user, password, token, seed, credentials string }

func (o Options) fill(secret func(string) (string, error)) (f filled, err error) {
	for _, part := range []struct {
		into *string
		text string
	}{
		{&f.user, o.User}, {&f.password, o.Password}, {&f.token, o.Token}, {&f.seed, o.NKeySeed}, {&f.credentials, o.Credentials},
	} {
		value, failed := secret(part.text)
		*part.into, err = value, errors.Join(err, failed)
	}
	return f, err
}

// login answers the server's nonce. Errors that are the check's own wrap executor.ErrSecret.
func (f filled) login(nonce string) (login, error) {
	who := login{
		User: f.user, Password: f.password, Token: f.token,
		Name: "vedette", Lang: "go", Version: "1", Protocol: 1,
	}
	var (
		key nkeys.KeyPair
		err error
	)
	switch {
	case f.seed != "":
		key, err = nkeys.FromSeed([]byte(f.seed))
		if err == nil {
			who.NKey, err = key.PublicKey()
		}
		if err != nil {
			return login{}, fmt.Errorf("%w: with its secret put in, nkey_seed is no seed of an nkey: use one that begins with SU", executor.ErrSecret)
		}
	case f.credentials != "":
		who.JWT, err = nkeys.ParseDecoratedJWT([]byte(f.credentials))
		if err == nil {
			key, err = nkeys.ParseDecoratedUserNKey([]byte(f.credentials))
		}
		if err != nil {
			return login{}, fmt.Errorf("%w: with its secret put in, credentials are no credentials file: use the whole of one, JWT and seed", executor.ErrSecret)
		}
	default:
		return who, nil
	}
	defer key.Wipe()
	if nonce == "" {
		return login{}, errors.New("the server does not take nkeys or credentials")
	}
	signature, err := key.Sign([]byte(nonce))
	if err != nil {
		return login{}, fmt.Errorf("%w: the key cannot sign", executor.ErrSecret)
	}
	who.Signature = base64.RawURLEncoding.EncodeToString(signature)
	return who, nil
}
