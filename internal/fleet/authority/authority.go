// Package authority is the word of an operator's desk: the key that a hub signs people's commands with, and the half of
// it that every kiosk keeps and checks them by. A broker, a gateway or another kiosk can carry a command, and can make
// none.
package authority

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"

	"kioskd/internal/plainfile"
)

// ErrSignature says that a text was not signed by this authority.
var ErrSignature = errors.New("authority: not signed by this fleet's desk")

// Public is the half that may be shown to anybody: an ed25519 key in the writing of NKeys. The zero Public is none, and
// checks nothing to be true.
type Public string

// Parse finds whether a text is a public half.
func Parse(text string) (Public, error) {
	if !nkeys.IsValidPublicUserKey(text) {
		return "", fmt.Errorf("authority: %q is no public key: it begins with U and has 56 letters and digits", text)
	}
	return Public(text), nil
}

// word begins the line of a credentials file that holds a Public.
const word = "authority "

// Line is what stands in a machine's credentials file, beside what the brokers want of it.
func (p Public) Line() string { return word + string(p) + "\n" }

// InCredentials finds the authority in the content of a machine's credentials file. Without one nothing is obeyed.
func InCredentials(content []byte) (Public, error) {
	var found []string
	for line := range strings.Lines(string(content)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), word); ok {
			found = append(found, text)
		}
	}
	if len(found) != 1 {
		return "", errors.New("authority: the credentials file names no authority, or several: enrol this machine again")
	}
	return Parse(found[0])
}

// Kept is whom a machine obeys: the named one, or else the one in its credentials file. That is read at each check,
// since a machine may be enrolled while it runs.
type Kept struct {
	Named       Public
	Credentials string // file
}

// fileMax bounds a file, in bytes.
const fileMax = 16 << 10

// Check is as Public's. Without the file, or an authority in it, nothing is signed.
func (k Kept) Check(text, signature []byte) error {
	if k.Named != "" {
		return k.Named.Check(text, signature)
	}
	content, _, err := plainfile.Read(k.Credentials, fileMax)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	p, err := InCredentials(content)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return p.Check(text, signature)
}

// Check is nil when the signature is this authority's of exactly that text, else ErrSignature.
func (p Public) Check(text, signature []byte) error {
	key, err := nkeys.FromPublicKey(string(p))
	if err != nil || key.Verify(text, signature) != nil {
		return ErrSignature
	}
	return nil
}

// Key is the secret half. It does not print: it is behind an interface of pointers.
type Key struct{ pair nkeys.KeyPair }

// Make makes a new one.
func Make() (Key, error) {
	pair, err := nkeys.CreateUser()
	return Key{pair}, err
}

// FromSeed is the key of a seed, as Seed gave it.
func FromSeed(seed []byte) (Key, error) {
	pair, err := nkeys.FromSeed(seed)
	if err == nil {
		_, err = pair.PublicKey()
	}
	if err != nil {
		return Key{}, fmt.Errorf("authority: no seed of a key: %w", err)
	}
	return Key{pair}, nil
}

// Open reads the file of a seed, authority.nk of the folder that kioskhub init made. It must be its owner's alone.
func Open(path string) (Key, error) {
	text, info, err := plainfile.Read(path, fileMax)
	if err != nil {
		return Key{}, fmt.Errorf("authority: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("authority: %s can be read by others: chmod 600 it", path)
	}
	k, err := FromSeed([]byte(strings.TrimSpace(string(text))))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w: it is authority.nk of the folder that kioskhub init made", path, err)
	}
	return k, nil
}

// Seed is what to keep, readable by its owner alone.
func (k Key) Seed() ([]byte, error) { return k.pair.Seed() }

// Public is the half that kiosks check by.
func (k Key) Public() (Public, error) {
	text, err := k.pair.PublicKey()
	return Public(text), err
}

// Sign signs a text.
func (k Key) Sign(text []byte) ([]byte, error) { return k.pair.Sign(text) }

// String and GoString keep it out of every log.
func (k Key) String() string { return "(hidden)" }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }
