package office

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"kioskd/internal/hub/store"
)

// A sealed key is salt, nonce and ciphertext; the name is sealed with it, so that it opens for nobody else.
const saltSize = 16

// The cost of making a password a key: about a tenth of a second, and 64 MiB.
const (
	argonTime   = 3
	argonMemory = 64 << 10 // KiB
	argonLanes  = 2
)

// ErrSealed: the key was sealed with another secret.
var ErrSealed = errors.New("office: the key for commands was sealed with another password")

// seal hides a seed behind a secret: a password, or for who signs in elsewhere the hub's own.
func seal(seed, secret []byte, name string) ([]byte, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	box, err := chacha20poly1305.NewX(stretch(secret, salt))
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce)
	return box.Seal(append(salt, nonce...), nonce, seed, []byte(name)), nil
}

func unseal(sealed, secret []byte, name string) ([]byte, error) {
	if len(sealed) < saltSize+chacha20poly1305.NonceSizeX {
		return nil, ErrSealed
	}
	salt, rest := sealed[:saltSize], sealed[saltSize:]
	box, err := chacha20poly1305.NewX(stretch(secret, salt))
	if err != nil {
		return nil, err
	}
	nonce, text := rest[:box.NonceSize()], rest[box.NonceSize():]
	seed, err := box.Open(nil, nonce, text, []byte(name))
	if err != nil {
		return nil, ErrSealed
	}
	return seed, nil
}

func stretch(secret, salt []byte) []byte {
	return argon2.IDKey(secret, salt, argonTime, argonMemory, argonLanes, chacha20poly1305.KeySize)
}

// personKey is a person's key for commands, made at the first use. One that was sealed with an earlier password is lost
// and made anew: what it signed stays on record.
func personKey(ctx context.Context, s *store.Store, name, role string, secret []byte, now time.Time) (nkeys.KeyPair,
	error) {
	_, sealed, err := s.PersonKey(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNoPerson) {
		return nil, err
	}
	if len(sealed) > 0 {
		seed, err := unseal(sealed, secret, name)
		if err == nil {
			return nkeys.FromSeed(seed)
		}
		if !errors.Is(err, ErrSealed) {
			return nil, err
		}
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	if sealed, err = seal(seed, secret, name); err != nil {
		return nil, err
	}
	if err := s.KeepPersonKey(ctx, name, role, public, sealed, now); err != nil {
		return nil, fmt.Errorf("office: the key of %s: %w", name, err)
	}
	return pair, nil
}
