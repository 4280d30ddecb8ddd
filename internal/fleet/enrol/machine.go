package enrol

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kioskd/internal/identity"
	"kioskd/internal/plainfile"
)

// Machine is where a machine keeps what makes it one of a fleet.
type Machine struct {
	ID          string // its token; "": the code says it
	Identity    string // file of the identity, which holds its key
	Serial      string // the board's, for an identity that is made now
	Credentials string // file that is written
	CA          string // file that the servers' authority is written to, where they have one of their own
}

// credentialsMax bounds what is read of an older credentials file, in bytes.
const credentialsMax = 16 << 10

// Enrol makes the machine one of the fleet that the code is for. A machine that is in one gets a new key. Whatever goes
// wrong, on the way or by the power, to do it again with the same code is right.
func (m Machine) Enrol(ctx context.Context, h Hub, code string) (Answer, error) {
	if _, err := Plain(code); err != nil {
		return Answer{}, err
	}
	for _, path := range []string{m.Identity, m.Credentials, m.CA} {
		if err := writable(path); err != nil {
			return Answer{}, err
		}
	}
	id, err := identity.Ensure(m.Identity, m.Serial)
	if err != nil {
		return Answer{}, err
	}
	a, err := m.ask(ctx, h, code, &id)
	// a card that was copied has the key of the one that it was copied from; one that was shut out is of no use
	if errors.Is(err, errKey) {
		if id.FleetNext, err = identity.NewFleetSeed(); err != nil {
			return Answer{}, err
		}
		if err := identity.Save(m.Identity, id); err != nil {
			return Answer{}, err
		}
		a, err = m.ask(ctx, h, code, &id)
	}
	if err != nil {
		return Answer{}, err
	}
	if id.FleetNext.Reveal() != "" {
		id.FleetSeed, id.FleetNext = id.FleetNext, identity.Secret{}
	}
	if err := identity.Save(m.Identity, id); err != nil {
		return Answer{}, fmt.Errorf("the machine is in the fleet, and its key could not be kept: %w. Try again with the "+
			"same code", err)
	}
	if a.CA != "" {
		if err := plainfile.Replace(m.CA, []byte(a.CA)); err != nil {
			return Answer{}, fmt.Errorf("the machine is in the fleet, and %s could not be written: %w. Try again with the "+
				"same code", m.CA, err)
		}
	}
	if err := plainfile.Replace(m.Credentials, a.Credentials()); err != nil {
		return Answer{}, fmt.Errorf("the machine is in the fleet, and %s could not be written: %w. Try again with the same "+
			"code", m.Credentials, err)
	}
	return a, nil
}

// writable finds whether a file could be replaced, before a code is used up for it.
func writable(path string) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".enroll-*")
	if err != nil {
		return fmt.Errorf("%s could not be written: %w. Run this as the user that runs kioskd (sudo -u kioskd), and name a "+
			"file in a folder of that user's under [fleet], like /var/lib/kioskd/fleet.creds", path, err)
	}
	return errors.Join(draft.Close(), os.Remove(draft.Name()))
}

// ask asks with the key that the machine is to have, which is on the disk before.
func (m Machine) ask(ctx context.Context, h Hub, code string, id *identity.Identity) (Answer, error) {
	seed, err := m.key(id)
	if err != nil {
		return Answer{}, err
	}
	key, err := identity.FleetKey(seed)
	if err != nil {
		return Answer{}, fmt.Errorf("%w. Remove fleet_seed and fleet_next from %s, and try again", err, m.Identity)
	}
	return h.Ask(ctx, Request{Code: code, Key: key, ID: m.ID})
}

// key is the seed of the key to ask with: the one of the first boot, or a new one once that was granted.
func (m Machine) key(id *identity.Identity) (seed identity.Secret, err error) {
	if id.FleetNext.Reveal() != "" {
		return id.FleetNext, nil
	}
	into := &id.FleetSeed
	if id.FleetSeed.Reveal() != "" {
		granted, _, err := plainfile.Read(m.Credentials, credentialsMax)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return seed, err
		}
		own, err := identity.FleetKey(id.FleetSeed)
		if err == nil && KeyOf(granted) != own {
			return id.FleetSeed, nil
		}
		into = &id.FleetNext
	}
	if *into, err = identity.NewFleetSeed(); err != nil {
		return seed, err
	}
	return *into, identity.Save(m.Identity, *id)
}
