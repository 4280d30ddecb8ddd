package people

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/rs/zerolog"
)

//go:embed signin.html again.html
var files embed.FS

// Config is who may come in, as the hub's config has it.
type Config struct {
	// the address that people use, as in https://hub.example.org; http only on this machine itself
	PublicURL string `toml:"public_url"`
	// one proxy stands before the hub, and says in X-Forwarded-For who asks
	BehindProxy bool   `toml:"behind_proxy"`
	Users       string `toml:"users"` // the file of users; "": nobody signs in by it
	OIDC        OIDC   `toml:"oidc"`  // the zero OIDC: nobody signs in by it
}

// Parts are what a Door needs besides.
type Parts struct {
	Sessions Sessions
	Client   *http.Client // asks the issuer; nil: one with a limit
	Now      func() time.Time
	Log      zerolog.Logger
	hashing  *argon2id.Params // of tests: nil is the product's
}

// Door lets people in. Its handlers are Routes; Guard stands before all others.
type Door struct {
	Config
	Parts
	public   *url.URL
	secure   bool // cookies by HTTPS alone
	users    *Users
	oidc     *issuer
	failures *failures
	page     *template.Template
}

// New checks the config and opens the file of users. The issuer is asked when the first person comes.
func New(c Config, p Parts) (*Door, error) {
	at, err := url.Parse(c.PublicURL)
	if err != nil || at.Host == "" || strings.Trim(at.Path, "/") != "" || at.RawQuery != "" ||
		at.Scheme != "https" && !loopback(at) {
		return nil, fmt.Errorf("public_url: %q is not like https://hub.example.org: cookies need HTTPS, but on this "+
			"machine itself", c.PublicURL)
	}
	at.Path = ""
	d := &Door{Config: c, Parts: p, public: at, secure: at.Scheme == "https", failures: newFailures(p.Now),
		page: template.Must(template.ParseFS(files, "*.html"))}
	if c.Users == "" && c.OIDC.Issuer == "" {
		return nil, errors.New("users, [oidc] issuer: with neither nobody can sign in")
	}
	if c.Users != "" {
		if p.hashing == nil {
			p.hashing = params()
		}
		if d.users, err = openUsers(c.Users, p.hashing); err != nil {
			return nil, err
		}
	}
	if c.OIDC.Issuer != "" {
		if p.Client == nil {
			p.Client = &http.Client{Timeout: issuerWithin}
		}
		if d.oidc, err = newIssuer(c.OIDC, at.String()+backPath, p.Client, p.Now); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// loopback reports whether an address is http on this machine.
func loopback(at *url.URL) bool {
	a, err := netip.ParseAddr(at.Hostname())
	return at.Scheme == "http" && (at.Hostname() == "localhost" || err == nil && a.IsLoopback())
}

// The paths of the door, which need no session.
const (
	signInPath  = "/sign-in"
	signOutPath = "/sign-out"
	beginPath   = "/oidc/begin"
	backPath    = "/oidc/back"
)

// Routes are the door's own handlers by their patterns; anybody may ask them.
func (d *Door) Routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET " + signInPath: d.ask, "POST " + signInPath: d.signIn, "POST " + signOutPath: d.signOut,
		"GET " + beginPath: d.leave, "GET " + backPath: d.back,
	}
}

// Guard lets those through who have the role. Others are asked to sign in when it is a page that they want.
func (d *Door) Guard(need Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		p, err := d.who(r)
		switch {
		case errors.Is(err, ErrNoSession) && r.Method == http.MethodGet:
			http.Redirect(w, r, signInPath+"?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		case errors.Is(err, ErrNoSession):
			d.giveBack(w, r, http.StatusUnauthorized, "The session has ended: sign in, and do it again.")
		case err != nil:
			d.Log.Error().Err(err).Msg("nobody can be recognised")
			d.Again(w, r, "The database or the file of users cannot be read: the hub's log says why.")
		case need == Nobody || p.Role < need: // a route without a role is a mistake, and closed
			http.Error(w, fmt.Sprintf("This needs the role %v, and %s has the role %v.", need, p.Name, p.Role),
				http.StatusForbidden)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, p)))
		}
	})
}

const (
	againMax    = 1 << 20 // bytes of a form that is given back
	passwordKey = "password"
)

// Again answers what cannot be done now. A form gets back what it sent, but for a password, to send it again: nothing
// that somebody has typed is lost.
func (d *Door) Again(w http.ResponseWriter, r *http.Request, problem string) {
	d.giveBack(w, r, http.StatusServiceUnavailable, problem)
}

func (d *Door) giveBack(w http.ResponseWriter, r *http.Request, code int, problem string) {
	r.Body = http.MaxBytesReader(w, r.Body, againMax)
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		http.Error(w, problem, code)
		return
	}
	fields := maps.Clone(r.PostForm)
	delete(fields, passwordKey)
	var b bytes.Buffer
	err := d.page.ExecuteTemplate(&b, "again.html", map[string]any{"Problem": problem, "Action": r.URL.RequestURI(),
		"Fields": fields, "SignIn": code == http.StatusUnauthorized})
	if err != nil {
		http.Error(w, problem, code)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}

// local is a path on this hub to go on to: whatever else a link asks for is the first page.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || len(next) > 1000 ||
		strings.HasPrefix(u.Path, signInPath) {
		return "/"
	}
	return u.RequestURI()
}

// show shows the form.
func (d *Door) show(w http.ResponseWriter, code int, next, problem string) {
	var b bytes.Buffer
	err := d.page.ExecuteTemplate(&b, "signin.html", map[string]any{"File": d.users != nil, "OIDC": d.oidc != nil,
		"Next": next, "Problem": problem})
	if err != nil {
		d.Log.Error().Err(err).Msg("the form to sign in cannot be shown")
		code = http.StatusInternalServerError
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes())
}

func (d *Door) ask(w http.ResponseWriter, r *http.Request) {
	d.show(w, http.StatusOK, local(r.URL.Query().Get("next")), "")
}

const formMax = 8 << 10 // bytes

func (d *Door) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	if err := r.ParseForm(); err != nil || d.users == nil {
		d.show(w, http.StatusBadRequest, "/", "That was no name and password.")
		return
	}
	name, next := r.PostForm.Get("name"), local(r.PostForm.Get("next"))
	keys := []string{"address " + neighbourhood(d.address(r)), "name " + clip(name)}
	if !d.failures.may(keys...) {
		w.Header().Set("Retry-After", fmt.Sprint(int(failuresPause/time.Second)))
		d.show(w, http.StatusTooManyRequests, next, "Too many attempts: wait a minute, then try again.")
		return
	}
	p, ok, err := d.users.Match(name, r.PostForm.Get(passwordKey))
	if err == nil && ok {
		err = d.begin(w, r, p)
	}
	switch {
	case errors.Is(err, ErrTaken):
		d.Log.Warn().Err(err).Msg("somebody cannot sign in")
		d.show(w, http.StatusConflict, next, "That did not work: "+ErrTaken.Error()+".")
	case err != nil:
		d.Log.Error().Err(err).Msg("nobody can sign in")
		d.show(w, http.StatusServiceUnavailable, next, "Nobody can sign in now: the hub's log says why.")
	case !ok:
		// the name may be a password that was typed into the wrong field
		d.Log.Warn().Stringer("address", d.address(r)).Msg("a wrong name or password")
		d.show(w, http.StatusUnauthorized, next, "The name or the password is wrong.")
	default:
		d.failures.succeeded(keys...)
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// Why somebody's password is not taken.
var (
	ErrWrong   = errors.New("the name or the password is wrong")
	ErrTooMany = errors.New("too many attempts: wait a minute, then try again")
	ErrNoFile  = errors.New("the config names no [desk] users, so nobody has a password here")
	// ErrTaken: the store knows this name of the file of users as somebody's who signs in by OpenID Connect.
	ErrTaken = errors.New("this name is somebody's who signs in by OpenID Connect: kioskhub user add gives you another")
)

// Confirm has somebody who has signed in give a password again, for an act that it signs. Who has signed in elsewhere
// has none here, and says by which name of the file of users it is done; of the others name is not looked at. It fails
// as often as signing in may.
func (d *Door) Confirm(r *http.Request, name, password string) (Person, error) {
	p := From(r.Context())
	if p.By == File {
		name = p.Name
	}
	if d.users == nil {
		return Person{}, ErrNoFile
	}
	keys := []string{"address " + neighbourhood(d.address(r)), "name " + clip(name)}
	if !d.failures.may(keys...) {
		return Person{}, ErrTooMany
	}
	who, ok, err := d.users.Match(name, password)
	switch {
	case err != nil:
		return Person{}, err
	case !ok:
		d.Log.Warn().Stringer("address", d.address(r)).Str("session", p.Name).Msg("a wrong name or password")
		return Person{}, ErrWrong
	}
	d.failures.succeeded(keys...)
	return who, nil
}

// Passwords reports whether anybody has one here.
func (d *Door) Passwords() bool { return d.users != nil }

func clip(name string) string { return name[:min(len(name), nameMax)] }

func (d *Door) signOut(w http.ResponseWriter, r *http.Request) {
	d.end(r)
	http.SetCookie(w, d.cookie(sessionCookie, "", 0))
	http.Redirect(w, r, signInPath, http.StatusSeeOther)
}

// leave sends somebody to the issuer. It is a link, since browsers let no form lead to another site here.
func (d *Door) leave(w http.ResponseWriter, r *http.Request) {
	if d.oidc == nil {
		http.NotFound(w, r)
		return
	}
	where, held, err := d.oidc.begin(r.Context(), local(r.URL.Query().Get("next")))
	if err != nil {
		d.Log.Error().Err(err).Msg("nobody can sign in by OpenID Connect")
		d.show(w, http.StatusServiceUnavailable, "/", "The sign-in service cannot be reached: try again in a minute.")
		return
	}
	http.SetCookie(w, d.cookie(flowCookie, held, flowMax))
	http.Redirect(w, r, where, http.StatusSeeOther)
}

// back takes somebody who comes from the issuer.
func (d *Door) back(w http.ResponseWriter, r *http.Request) {
	if d.oidc == nil {
		http.NotFound(w, r)
		return
	}
	key := "address " + neighbourhood(d.address(r))
	if !d.failures.may(key) {
		d.show(w, http.StatusTooManyRequests, "/", "Too many attempts: wait a minute, then try again.")
		return
	}
	p, next, err := d.oidc.end(r.Context(), d.read(r, flowCookie), r.URL.Query())
	http.SetCookie(w, d.cookie(flowCookie, "", 0)) // once, whatever came of it
	if err == nil {
		err = d.begin(w, r, p)
	}
	switch {
	case errors.Is(err, errNoRole):
		d.Log.Warn().Str("name", p.Name).Msg("somebody without a role came to sign in")
		d.show(w, http.StatusForbidden, "/", fmt.Sprintf("%s has no role here: ask whoever runs the hub.", p.Name))
	case err != nil:
		d.Log.Warn().Err(err).Msg("somebody could not sign in by OpenID Connect")
		d.show(w, http.StatusUnauthorized, "/", "That did not work: sign in again.")
	default:
		d.failures.succeeded(key)
		http.Redirect(w, r, local(next), http.StatusSeeOther)
	}
}

// address is who asks, as failures are counted. Behind a proxy it is the last one that X-Forwarded-For names: those
// before it are whatever the caller claimed.
func (d *Door) address(r *http.Request) netip.Addr {
	if all := r.Header.Values("X-Forwarded-For"); d.BehindProxy && len(all) > 0 {
		list := strings.Split(all[len(all)-1], ",")
		if a, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
			return a
		}
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	a, _ := netip.ParseAddr(host)
	return a
}

// Origin is what browsers call this hub, as in https://hub.example.org.
func (d *Door) Origin() string { return d.public.Scheme + "://" + d.public.Host }
