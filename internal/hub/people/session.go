package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"
)

// sessionMax is how long somebody stays signed in: a working day.
const sessionMax = 12 * time.Hour

// Sessions is where they are kept, for all copies of the hub; a *store.Store. A session is known by the SHA-256 of what
// its browser holds.
type Sessions interface {
	KeepSession(ctx context.Context, hash []byte, p Person, now, until time.Time) error
	// Session gives who holds it: ErrNoSession when nobody does, or no more at this time.
	Session(ctx context.Context, hash []byte, now time.Time) (Person, error)
	EndSession(ctx context.Context, hash []byte) error
}

// ErrNoSession is what Sessions answer for one that they do not have.
var ErrNoSession = errors.New("people: no such session")

// The cookies' names. With the prefix a browser takes them from this very host and by HTTPS alone.
const (
	hostPrefix    = "__Host-"
	sessionCookie = "kioskhub"
	flowCookie    = "kioskhub-oidc"
	tokenMax      = 64 // characters; ours have 26
)

// cookie makes one that no script reads. Lax: another site's link leads to the page, and its form to nothing.
func (d *Door) cookie(name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: d.secure}
	if d.secure {
		c.Name = hostPrefix + name
	}
	if age <= 0 {
		c.MaxAge = -1
	}
	return c
}

// read gives a cookie's value, "" when there is none or more than one.
func (d *Door) read(r *http.Request, name string) string {
	if d.secure {
		name = hostPrefix + name
	}
	all := r.CookiesNamed(name)
	if len(all) != 1 {
		return ""
	}
	return all[0].Value
}

// begin signs a person in: always with a new random text, so that nobody can prepare one for somebody else.
func (d *Door) begin(w http.ResponseWriter, r *http.Request, p Person) error {
	d.end(r)
	token := rand.Text()
	hash := sha256.Sum256([]byte(token))
	now := d.Now()
	if err := d.Sessions.KeepSession(r.Context(), hash[:], p, now, now.Add(sessionMax)); err != nil {
		return err
	}
	http.SetCookie(w, d.cookie(sessionCookie, token, sessionMax))
	d.Log.Info().Str("name", p.Name).Stringer("role", p.Role).Str("by", p.By).Msg("somebody has signed in")
	return nil
}

// end forgets the session that the request comes with, if there is one.
func (d *Door) end(r *http.Request) {
	token := d.read(r, sessionCookie)
	if token == "" {
		return
	}
	hash := sha256.Sum256([]byte(token))
	if err := d.Sessions.EndSession(r.Context(), hash[:]); err != nil {
		d.Log.Warn().Err(err).Msg("a session could not be ended: it ends by itself")
	}
}

// who gives the person who asks: ErrNoSession when nobody has signed in.
func (d *Door) who(r *http.Request) (Person, error) {
	token := d.read(r, sessionCookie)
	if token == "" || len(token) > tokenMax {
		return Person{}, ErrNoSession
	}
	hash := sha256.Sum256([]byte(token))
	p, err := d.Sessions.Session(r.Context(), hash[:], d.Now())
	if err != nil {
		return Person{}, err
	}
	if p.By == File {
		if d.users == nil {
			return Person{}, ErrNoSession
		}
		still, err := d.users.Still(p)
		if err != nil {
			return Person{}, err
		}
		if !still {
			return Person{}, ErrNoSession
		}
	} else if d.oidc == nil || p.By != d.oidc.issuer {
		return Person{}, ErrNoSession
	}
	return p, nil
}
