// Package grants makes who may what in a fleet: an operator, its account, and for each role of its users a signing key
// that can grant nothing but that role. The brokers check all of it; nothing here runs while a kiosk sells.
//
// A kiosk makes its own key at its first boot and hands over only the public half, which User signs.
package grants

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/authority"
	"kioskd/internal/fleet/protocol"
)

// Fleet is the trust of one fleet. What a program does not need it need not have: a hub lives without Root.
type Fleet struct {
	Operator string // claims, signed; public
	System   string // the servers' own account
	Account  string // the account of all that is said here, as it was made: without revocations

	Signer    nkeys.KeyPair // signs accounts: who has it says who is revoked
	Signers   map[Role]nkeys.KeyPair
	Authority authority.Key
	Root      *Root // nil but where the fleet was made
}

// Root are the keys that are needed once, and again only to make a fleet's trust anew. They belong into a safe.
type Root struct{ Operator, System, Account nkeys.KeyPair }

// Make makes the trust of a new fleet.
func Make(fleet string) (*Fleet, error) {
	root := &Root{}
	f := &Fleet{Root: root, Signers: map[Role]nkeys.KeyPair{}}
	for _, k := range []struct {
		of   *nkeys.KeyPair
		make func() (nkeys.KeyPair, error)
	}{
		{&root.Operator, nkeys.CreateOperator}, {&f.Signer, nkeys.CreateOperator},
		{&root.System, nkeys.CreateAccount}, {&root.Account, nkeys.CreateAccount},
	} {
		var err error
		if *k.of, err = k.make(); err != nil {
			return nil, err
		}
	}
	for _, r := range []Role{Kiosk, Gateway, Hub, System} {
		var err error
		if f.Signers[r], err = nkeys.CreateAccount(); err != nil {
			return nil, err
		}
	}
	var err error
	if f.Authority, err = authority.Make(); err != nil {
		return nil, err
	}
	return f, f.claim(fleet)
}

// claim writes what the keys stand for.
func (f *Fleet) claim(fleet string) error {
	p, err := publics(f.Root.Operator, f.Signer, f.Root.System, f.Root.Account)
	if err != nil {
		return err
	}
	operator, signer, system, account := p[0], p[1], p[2], p[3]
	o := jwt.NewOperatorClaims(operator)
	o.Name, o.SystemAccount = fleet, system
	o.SigningKeys.Add(signer)
	o.StrictSigningKeyUsage = true // the root signs nothing else
	if f.Operator, err = o.Encode(f.Root.Operator); err != nil {
		return err
	}
	s := jwt.NewAccountClaims(system)
	s.Name = "SYSTEM"
	if err := f.scope(s, account, System); err != nil {
		return err
	}
	if f.System, err = s.Encode(f.Signer); err != nil {
		return err
	}
	a := jwt.NewAccountClaims(account)
	a.Name = "FLEET"
	a.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	a.Limits.DisallowBearer = true
	if err := f.scope(a, account, Kiosk, Gateway, Hub); err != nil {
		return err
	}
	f.Account, err = a.Encode(f.Signer)
	return err
}

// scope gives an account's signing keys their roles.
func (f *Fleet) scope(a *jwt.AccountClaims, fleet string, roles ...Role) error {
	for _, r := range roles {
		key, err := f.Signers[r].PublicKey()
		if err != nil {
			return err
		}
		s := jwt.NewUserScope()
		s.Key, s.Role = key, string(r)
		if s.Template, err = template(r, fleet); err != nil {
			return err
		}
		a.SigningKeys.AddScopedSigner(s)
	}
	return nil
}

func publics(pairs ...nkeys.KeyPair) ([]string, error) {
	var all []string
	for _, k := range pairs {
		p, err := k.PublicKey()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// CheckName finds whether a name is one of that role's. A kiosk's is its id; everybody else's has a dash, so that no
// kiosk can be called as they are and listen at their inboxes.
func CheckName(r Role, name string) error {
	if r == Kiosk {
		return protocol.CheckID(name)
	}
	var bare []rune
	dash := false
	for _, c := range name {
		if c == '-' {
			dash = true
			continue
		}
		bare = append(bare, c)
	}
	if !dash || protocol.CheckID(string(bare)) != nil {
		return fmt.Errorf("grants: %q is no name for a %s: letters and digits with a dash among them, like %s-1", name,
			r, r)
	}
	return nil
}

// User grants a role to the holder of a key, whose public half this is. It says nothing secret.
func (f *Fleet) User(r Role, name, public string) (string, error) {
	if err := CheckName(r, name); err != nil {
		return "", err
	}
	if !nkeys.IsValidPublicUserKey(public) {
		return "", errors.New("grants: no public key of a user: it begins with U and has 56 letters and digits")
	}
	signer := f.Signers[r]
	if signer == nil {
		return "", fmt.Errorf("grants: the key that makes a %s is not here: do it where the fleet was made", r)
	}
	account, err := f.account(r)
	if err != nil {
		return "", err
	}
	u := jwt.NewUserClaims(public)
	u.Name, u.IssuerAccount = name, account.Subject
	u.UserPermissionLimits = jwt.UserPermissionLimits{} // the role's, and nothing beside it
	return u.Encode(signer)
}

// account is the account that a role's users belong to.
func (f *Fleet) account(r Role) (*jwt.AccountClaims, error) {
	if r == System {
		return jwt.DecodeAccountClaims(f.System)
	}
	return jwt.DecodeAccountClaims(f.Account)
}

// Credentials makes a user with a key of its own: the content of a credentials file, which is secret.
func (f *Fleet) Credentials(r Role, name string) ([]byte, error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	token, err := f.User(r, name, public)
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	return jwt.FormatUserConfig(token, seed)
}

// Revoked is the account's claims with these users' keys shut out, besides those that are in before. What a key was
// granted after its moment is good again.
func (f *Fleet) Revoked(before string, keys map[string]time.Time) (string, error) {
	a, err := jwt.DecodeAccountClaims(before)
	if err != nil {
		return "", err
	}
	for key, at := range keys {
		if !nkeys.IsValidPublicUserKey(key) {
			return "", fmt.Errorf("grants: %q is no user's public key", key)
		}
		a.RevokeAt(key, at)
	}
	return a.Encode(f.Signer)
}
