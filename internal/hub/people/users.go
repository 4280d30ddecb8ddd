package people

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"kioskd/internal/plainfile"
)

// Bounds of the file of users.
const (
	usersMax    = 500
	sizeMax     = 256 << 10 // bytes; 500 users have 100 KiB
	nameMax     = 64        // characters
	passwordMin = 12        // characters
	passwordMax = 200       // bytes: what is hashed costs time
	// what a hash may ask of this machine: a file that somebody spoilt must not stop it
	memoryMax, roundsMax = 256 << 10, 10 // KiB
)

// params are RFC 9106's second recommendation: 64 MiB, three rounds.
func params() *argon2id.Params {
	return &argon2id.Params{Memory: 64 << 10, Iterations: 3, Parallelism: 4, SaltLength: 16, KeyLength: 32}
}

// User is one line of the file.
type User struct {
	Name string
	Role Role
	hash string
}

// userFile is the file's JSON.
type userFile struct {
	Users []userLine `json:"users"`
}

type userLine struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Hash string `json:"hash"` // argon2id, in the usual form
}

// Users is the file of users. It is read again when it has changed, so that nobody needs to restart the hub.
type Users struct {
	path   string
	params *argon2id.Params
	nobody string // the hash of a password that nobody has: it costs what a real one costs
	hashes chan struct{}

	mu    sync.Mutex
	seen  fs.FileInfo
	users []User
}

// hashesMax is how many passwords are hashed at once: 64 MiB each.
const hashesMax = 2

// OpenUsers reads the file. One that is not there is a file without users.
func OpenUsers(path string) (*Users, error) { return openUsers(path, params()) }

func openUsers(path string, p *argon2id.Params) (*Users, error) {
	nobody, err := argon2id.CreateHash("nobody has this password", p)
	if err != nil {
		return nil, err
	}
	u := &Users{path: path, params: p, nobody: nobody, hashes: make(chan struct{}, hashesMax)}
	_, err = u.All()
	return u, err
}

// All are the users, by name.
func (u *Users) All() ([]User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.all()
}

func (u *Users) all() ([]User, error) {
	info, err := os.Stat(u.path)
	if errors.Is(err, fs.ErrNotExist) {
		u.seen, u.users = nil, nil
		return nil, nil
	}
	if err == nil && u.seen != nil && os.SameFile(info, u.seen) && info.ModTime().Equal(u.seen.ModTime()) &&
		info.Size() == u.seen.Size() {
		return u.users, nil
	}
	text, info, err := plainfile.Read(u.path, sizeMax)
	if err != nil {
		return nil, fmt.Errorf("the file of users: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the file of users %s can be read by others: chmod 600 it", u.path)
	}
	users, err := parseUsers(text)
	if err != nil {
		return nil, fmt.Errorf("the file of users %s: %w: mend it, or take it away and add the users again", u.path,
			err)
	}
	u.seen, u.users = info, users
	return users, nil
}

func parseUsers(text []byte) ([]User, error) {
	if len(text) > sizeMax {
		return nil, fmt.Errorf("it is larger than %d KiB", sizeMax>>10)
	}
	var f userFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind its end")
	}
	if len(f.Users) > usersMax {
		return nil, fmt.Errorf("it has more than %d users: let them sign in by OpenID Connect", usersMax)
	}
	users := []User{}
	for _, l := range f.Users {
		role, err := ParseRole(l.Role)
		if err := errors.Join(checkName(l.Name), err, checkHash(l.Hash)); err != nil {
			return nil, fmt.Errorf("user %.70q: %w", l.Name, err)
		}
		if slices.ContainsFunc(users, func(o User) bool { return o.Name == l.Name }) {
			return nil, fmt.Errorf("user %q stands there twice", l.Name)
		}
		users = append(users, User{l.Name, role, l.Hash})
	}
	return users, nil
}

func checkName(name string) error {
	const marks = ".-_@+"
	if name == "" || len(name) > nameMax || strings.Trim(name, letters+marks) != "" {
		return fmt.Errorf("a name has 1 to %d letters, digits and %s", nameMax, marks)
	}
	return nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// checkHash finds whether a hash can be computed again without a panic, and with less than all memory.
func checkHash(hash string) error {
	p, salt, key, err := argon2id.DecodeHash(hash)
	switch {
	case err != nil:
		return fmt.Errorf("its hash: %w", err)
	case p.Memory < 8 || p.Memory > memoryMax || p.Iterations < 1 || p.Iterations > roundsMax || p.Parallelism < 1 ||
		len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64:
		return errors.New("its hash asks for more, or less, than a password needs")
	}
	return nil
}

// CheckPassword finds whether a password may be chosen.
func CheckPassword(password string) error {
	switch {
	case utf8.RuneCountInString(password) < passwordMin:
		return fmt.Errorf("a password needs %d characters: take a sentence", passwordMin)
	case len(password) > passwordMax:
		return fmt.Errorf("a password has at most %d bytes", passwordMax)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' }):
		return errors.New("a password is one line of text")
	}
	return nil
}

// Set adds a user, or gives one another role and password. The file is replaced whole.
func (u *Users) Set(name string, role Role, password string) error {
	if err := errors.Join(checkName(name), CheckPassword(password)); err != nil {
		return err
	}
	hash, err := argon2id.CreateHash(password, u.params)
	if err != nil {
		return err
	}
	return u.change(func(users []User) ([]User, error) {
		users = slices.DeleteFunc(users, func(o User) bool { return o.Name == name })
		return append(users, User{name, role, hash}), nil
	})
}

// Remove takes a user away, which ends the user's sessions.
func (u *Users) Remove(name string) error {
	return u.change(func(users []User) ([]User, error) {
		left := slices.DeleteFunc(slices.Clone(users), func(o User) bool { return o.Name == name })
		if len(left) == len(users) {
			return nil, fmt.Errorf("there is no user %q", name)
		}
		return left, nil
	})
}

func (u *Users) change(f func([]User) ([]User, error)) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	users, err := u.all()
	if err == nil {
		users, err = f(slices.Clone(users))
	}
	if err != nil {
		return err
	}
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	var out userFile
	for _, o := range users {
		out.Users = append(out.Users, userLine{o.Name, o.Role.String(), o.hash})
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err == nil && len(users) > usersMax {
		err = fmt.Errorf("more than %d users: let them sign in by OpenID Connect", usersMax)
	}
	if err != nil {
		return err
	}
	u.seen = nil
	return plainfile.Replace(u.path, append(text, '\n'))
}

// Match gives the person with that name and password. A name that nobody has takes as long as a wrong password.
func (u *Users) Match(name, password string) (Person, bool, error) {
	users, err := u.All()
	if err != nil {
		return Person{}, false, err
	}
	user, hash := User{}, u.nobody
	for _, o := range users {
		if o.Name == name {
			user, hash = o, o.hash
		}
	}
	if len(password) > passwordMax {
		password, hash = "", u.nobody
	}
	u.hashes <- struct{}{}
	same, err := argon2id.ComparePasswordAndHash(password, hash)
	<-u.hashes
	if err != nil || !same || user.Role == Nobody {
		return Person{}, false, err
	}
	return user.person(), true, nil
}

// Still reports whether a person of the file is there as when the session began.
func (u *Users) Still(p Person) (bool, error) {
	users, err := u.All()
	return slices.ContainsFunc(users, func(o User) bool { return o.person() == p }), err
}

func (o User) person() Person {
	mark := sha256.Sum256([]byte(o.Role.String() + " " + o.hash))
	return Person{Name: o.Name, Role: o.Role, By: File, Mark: hex.EncodeToString(mark[:8])}
}
