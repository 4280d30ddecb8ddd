// Package identity keeps what makes this machine this machine: the terminal's credentials at Glase, its key in the
// operator's fleet, and the machine's serial number.
//
// They live in one small JSON file of their own, readable by its owner alone, so that journals and configs may be shown
// to anybody. The file is replaced whole: after a power cut it is the old one or the new one. No error and no printing
// of an Identity shows a secret, whatever the verb.
package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/nats-io/nkeys"
	"github.com/rs/zerolog"

	"kioskd/internal/plainfile"
)

const (
	// sizeMax bounds what Load reads, in bytes; a whole identity is 200.
	sizeMax = 16 << 10
	// serialMax bounds a machine's serial number, in bytes; a Raspberry Pi's has 16.
	serialMax = 64
)

// SerialFile is where Linux shows the serial number of a board that has a device tree, as every Raspberry Pi does.
const SerialFile = "/proc/device-tree/serial-number"

// The reasons that a caller tells apart. A file that is not there is fs.ErrNotExist.
var (
	ErrExposed = errors.New("readable by others")
	ErrBad     = errors.New("not an identity file")
)

// Secret is a text that does not print. It is behind a pointer, so that not even a reflective printer of some outer
// struct reaches it.
type Secret struct{ text *string }

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal is the text itself; empty when there is none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String says only whether there is a secret.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return "(none)"
	}
	return "(hidden)"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, so that JSON of something that holds a Secret hides it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Identity is the content of the file. The zero Identity is a machine that is not registered.
type Identity struct {
	TerminalID string // Glase's; empty: not registered, or the config says it
	Password   Secret // of the terminal
	Serial     string // of the machine that it was made on; empty: unknown. Another one means a copied card
	Begun      string // the name of a terminal that Glase was asked to make, and may have made; empty: none
	FleetSeed  Secret // of the machine's key in the operator's fleet, an NKey; made at the first boot
	FleetNext  Secret // of the key that takes its place when the operator has granted it; empty: none is asked for
}

// file is the JSON form.
type file struct {
	TerminalID string `json:"terminal_id,omitempty"`
	Password   string `json:"password,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Begun      string `json:"registering,omitempty"`
	FleetSeed  string `json:"fleet_seed,omitempty"`
	FleetNext  string `json:"fleet_next,omitempty"`
	// of older versions: it is not used, and dropped when the file is saved
	PayerKey string `json:"payer_key,omitempty"`
}

// New is the identity of a machine with that serial number, which is not registered.
func New(serial string) Identity { return Identity{Serial: serial} }

// Ensure loads the identity at path. Where there is none it makes one and saves it.
func Ensure(path, serial string) (Identity, error) {
	id, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id = New(serial)
	if id.FleetSeed, err = NewFleetSeed(); err != nil {
		return id, err
	}
	return id, Save(path, id)
}

// NewFleetSeed makes the seed of a new key for the operator's fleet.
func NewFleetSeed() (Secret, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return Secret{}, fmt.Errorf("identity: a key for the fleet: %w", err)
	}
	seed, err := pair.Seed()
	if err != nil {
		return Secret{}, fmt.Errorf("identity: a key for the fleet: %w", err)
	}
	return NewSecret(string(seed)), nil
}

// SeedAt gives the seed of the fleet's key as the file at path has it then: a machine may be enrolled while it runs.
func SeedAt(path string) func() (string, error) {
	return func() (string, error) {
		id, err := Load(path)
		if err == nil && id.FleetSeed.Reveal() == "" {
			err = fmt.Errorf("identity: %s holds no key for the fleet: kioskd enroll makes one", path)
		}
		return id.FleetSeed.Reveal(), err
	}
}

// FleetKey is the public half of a seed's key.
func FleetKey(seed Secret) (string, error) {
	pair, err := nkeys.FromSeed([]byte(seed.Reveal()))
	if err != nil {
		return "", fmt.Errorf("identity: the key for the fleet is none: %w", err)
	}
	return pair.PublicKey()
}

// String tells what may be told.
func (i Identity) String() string {
	return fmt.Sprintf("terminal %q, password %v, serial %q, fleet key %v", i.TerminalID, i.Password, i.Serial,
		i.FleetSeed)
}

// GoString is String, for %#v.
func (i Identity) GoString() string { return i.String() }

// MarshalZerologObject logs what may be told.
func (i Identity) MarshalZerologObject(e *zerolog.Event) {
	e.Str("terminal_id", i.TerminalID).Stringer("password", i.Password).Str("serial", i.Serial).
		Stringer("fleet_key", i.FleetSeed)
}

// Load reads the file at path. It answers fs.ErrNotExist, ErrExposed when anybody but the owner may read or write it,
// and ErrBad.
func Load(path string) (Identity, error) {
	b, info, err := plainfile.Read(path, sizeMax)
	if other := (*plainfile.KindError)(nil); errors.As(err, &other) {
		return Identity{},
			fmt.Errorf("identity: %s: %w: it %s: take it away, and register the terminal again or restore the file",
				path, ErrBad, other.What())
	}
	if err != nil {
		return Identity{}, fmt.Errorf("identity: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Identity{},
			fmt.Errorf("identity: %s: %w (mode %04o): chmod 600 it, and give the terminal a new password if others "+
				"use this machine",
				path, ErrExposed, info.Mode().Perm())
	}
	id, err := decode(b)
	if err != nil {
		return Identity{}, fmt.Errorf("identity: %s: %w; restore it, or remove it and register the terminal again",
			path, err)
	}
	return id, nil
}

// decode reads the JSON form. Its errors never quote the file.
func decode(b []byte) (Identity, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return Identity{}, fmt.Errorf("%w: it is empty", ErrBad)
	}
	if len(b) > sizeMax {
		return Identity{}, fmt.Errorf("%w: it is longer than %d bytes", ErrBad, sizeMax)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // saving it again would lose them
	var f *file
	if err := d.Decode(&f); err != nil || f == nil {
		return Identity{}, fmt.Errorf("%w: no JSON object with terminal_id, password and serial, up to byte %d", ErrBad,
			d.InputOffset())
	}
	if _, err := d.Token(); err != io.EOF {
		return Identity{}, fmt.Errorf("%w: something follows the JSON object", ErrBad)
	}
	id := Identity{TerminalID: f.TerminalID, Serial: f.Serial, Begun: f.Begun}
	for _, secret := range []struct {
		of   *Secret
		text string
	}{{&id.Password, f.Password}, {&id.FleetSeed, f.FleetSeed}, {&id.FleetNext, f.FleetNext}} {
		if secret.text != "" {
			*secret.of = NewSecret(secret.text)
		}
	}
	return id, nil
}

// Save replaces the file at path with this identity, mode 0600. It is on the disk when Save returns nil; on an error
// the old file is as it was.
func Save(path string, i Identity) error {
	f := file{TerminalID: i.TerminalID, Password: i.Password.Reveal(), Serial: i.Serial, Begun: i.Begun,
		FleetSeed: i.FleetSeed.Reveal(), FleetNext: i.FleetNext.Reveal()}
	b, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	if err := plainfile.Replace(path, append(b, '\n')); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return nil
}

// MachineSerial reads the machine's serial number from path, usually SerialFile; empty when there is none.
func MachineSerial(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, serialMax+1))
	if err != nil || len(b) > serialMax {
		return ""
	}
	serial := strings.TrimRight(string(b), "\x00\n") // the device tree's strings end with a zero byte
	if strings.ContainsFunc(serial, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return serial
}
