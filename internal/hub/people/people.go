// Package people says who may sit at the operator's desk: who signs in, by a file of users or by OpenID Connect, how
// long that lasts, and which of three roles each has.
//
// A browser holds a random text in a cookie and nothing else; the operator's database holds its hash, so that every
// copy of the hub knows the session, and reading the database gives nobody one.
package people

import (
	"context"
	"fmt"
	"slices"
)

// Role is what somebody may do. A greater one may do all that a smaller one may.
type Role int

// The roles. The zero Role may do nothing.
const (
	Nobody  Role = iota
	Look         // sees machines, sales and exports
	Operate      // also sends commands, and changes one machine's prices
	Admin        // also changes those of a group and of all, and settles sales by hand
)

// Roles are those that somebody can have, the smallest first.
func Roles() []Role { return []Role{Look, Operate, Admin} }

// String is the role's word, as in the file of users.
func (r Role) String() string {
	switch r {
	case Look:
		return "look"
	case Operate:
		return "operate"
	case Admin:
		return "admin"
	}
	return "nobody"
}

// ParseRole reads a role's word.
func ParseRole(word string) (Role, error) {
	all := Roles()
	i := slices.IndexFunc(all, func(r Role) bool { return r.String() == word })
	if i < 0 {
		return Nobody, fmt.Errorf("%q is no role: say look, operate or admin", word)
	}
	return all[i], nil
}

// Person is somebody who has signed in.
type Person struct {
	Name string
	Role Role
	// who vouches: "file", or the issuer of OpenID Connect
	By string
	// of a user of the file: changes with the password and the role, which ends the sessions; else who it is for the
	// issuer, since names there are for reading only
	Mark string
}

// File is By of the users of the file.
const File = "file"

type personKey struct{}

// From is who asks. It is the zero Person outside of Guard.
func From(ctx context.Context) Person {
	p, _ := ctx.Value(personKey{}).(Person)
	return p
}
