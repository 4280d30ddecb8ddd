package grants

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/plainfile"
)

// fileMax bounds a file of a fleet's trust, in bytes.
const fileMax = 256 << 10

// HubFiles are the names of the files that a hub needs, of those that Write makes. The claims are public, the keys are
// not.
func HubFiles() []string {
	return []string{"operator.jwt", "system.jwt", "fleet.jwt", "signer.nk", "kiosk.nk", "authority.nk"}
}

// secrets are the seeds that there are, by the names of their files.
func (f *Fleet) secrets() (map[string][]byte, error) {
	pairs := map[string]nkeys.KeyPair{
		"signer.nk": f.Signer, "kiosk.nk": f.Signers[Kiosk], "gateway.nk": f.Signers[Gateway],
		"hub.nk": f.Signers[Hub], "system-users.nk": f.Signers[System],
	}
	if f.Root != nil {
		pairs["operator.nk"], pairs["system.nk"], pairs["fleet.nk"] = f.Root.Operator, f.Root.System, f.Root.Account
	}
	all := map[string][]byte{}
	for name, pair := range pairs {
		if pair == nil {
			continue
		}
		seed, err := pair.Seed()
		if err != nil {
			return nil, err
		}
		all[name] = seed
	}
	seed, err := f.Authority.Seed()
	all["authority.nk"] = seed
	return all, err
}

// Write keeps a fleet's trust in a folder, readable by its owner alone. It replaces nothing.
func (f *Fleet) Write(dir string) error {
	all, err := f.secrets()
	if err != nil {
		return err
	}
	all["operator.jwt"], all["system.jwt"], all["fleet.jwt"] = []byte(f.Operator), []byte(f.System), []byte(f.Account)
	for name, content := range all {
		if err := Keep(filepath.Join(dir, name), append(content, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// Read is the trust that a folder keeps: all of it, or what a hub needs. Keys that are not there are nil.
func Read(dir string) (*Fleet, error) {
	f := &Fleet{Signers: map[Role]nkeys.KeyPair{}, Root: &Root{}}
	for name, claims := range map[string]*string{
		"operator.jwt": &f.Operator, "system.jwt": &f.System, "fleet.jwt": &f.Account,
	} {
		b, err := read(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		*claims = string(b)
	}
	for name, set := range map[string]func(nkeys.KeyPair){
		"signer.nk":       func(k nkeys.KeyPair) { f.Signer = k },
		"kiosk.nk":        func(k nkeys.KeyPair) { f.Signers[Kiosk] = k },
		"gateway.nk":      func(k nkeys.KeyPair) { f.Signers[Gateway] = k },
		"hub.nk":          func(k nkeys.KeyPair) { f.Signers[Hub] = k },
		"system-users.nk": func(k nkeys.KeyPair) { f.Signers[System] = k },
		"operator.nk":     func(k nkeys.KeyPair) { f.Root.Operator = k },
		"system.nk":       func(k nkeys.KeyPair) { f.Root.System = k },
		"fleet.nk":        func(k nkeys.KeyPair) { f.Root.Account = k },
	} {
		seed, err := read(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		pair, err := nkeys.FromSeed(seed)
		if err != nil {
			return nil, fmt.Errorf("grants: %s holds no key", name)
		}
		set(pair)
	}
	seed, err := read(filepath.Join(dir, "authority.nk"))
	if err != nil {
		return nil, err
	}
	if f.Authority, err = authority.FromSeed(seed); err != nil {
		return nil, err
	}
	if *f.Root == (Root{}) {
		f.Root = nil
	}
	return f, f.check()
}

// read gives a small file without the blanks around it. A secret that others may read is refused.
func read(path string) ([]byte, error) {
	b, info, err := plainfile.Read(path, fileMax)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	if filepath.Ext(path) == ".nk" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("grants: %s can be read by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	return bytes.TrimSpace(b), nil
}

// check finds whether the claims can be read, and the signer is the operator's.
func (f *Fleet) check() error {
	o, err := jwt.DecodeOperatorClaims(f.Operator)
	if err != nil {
		return fmt.Errorf("grants: operator.jwt: %w", err)
	}
	for name, claims := range map[string]string{"system.jwt": f.System, "fleet.jwt": f.Account} {
		a, err := jwt.DecodeAccountClaims(claims)
		if err != nil {
			return fmt.Errorf("grants: %s: %w", name, err)
		}
		if !o.DidSign(a) {
			return fmt.Errorf("grants: %s is not of the operator in operator.jwt", name)
		}
	}
	if f.Signer == nil {
		return errors.New("grants: signer.nk is missing")
	}
	public, err := f.Signer.PublicKey()
	if err != nil {
		return err
	}
	if !o.SigningKeys.Contains(public) {
		return errors.New("grants: signer.nk is not of the operator in operator.jwt")
	}
	return nil
}

// Keep writes a file that is not there, and readable by its owner alone. One that is there stays.
func Keep(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
