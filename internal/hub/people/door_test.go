package people

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhoHasNotSignedInSeesTheFormAndNothingElse(t *testing.T) {
	d := open(t, nil)
	got := d.get("/sales?day=1")
	if got.code != http.StatusSeeOther || got.location != "/sign-in?next=%2Fsales%3Fday%3D1" {
		t.Fatalf("a page without a session: %+v", got)
	}
	if got = d.get(got.location); got.code != 200 || !strings.Contains(got.body, `value="/sales?day=1"`) {
		t.Fatalf("the form: %+v", got)
	}
	if got = d.post("/anything", nil); got.code != http.StatusUnauthorized {
		t.Errorf("a post without a session: %+v", got)
	}
	if got = d.signIn("lisa", secretText); got.code != http.StatusSeeOther || got.location != "/sales?day=1" {
		t.Fatalf("signing in: %+v", got)
	}
	if got = d.get("/sales?day=1"); got.body != "lisa look /sales?day=1" {
		t.Errorf("the page: %+v", got)
	}
}

func TestTheCookieIsReadByNoScriptAndSentToNobodyElse(t *testing.T) {
	d := open(t, nil)
	got := d.signIn("lisa", secretText)
	if len(got.cookies) != 1 {
		t.Fatalf("%d cookies", len(got.cookies))
	}
	c := got.cookies[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" ||
		!strings.HasPrefix(c.Name, "__Host-") || len(c.Value) < 26 {
		t.Errorf("the cookie: %+v", c)
	}
	for hash := range d.kept.by {
		if strings.Contains(hash, c.Value) || len(hash) != 32 {
			t.Errorf("the database holds what the browser holds")
		}
	}
}

func TestEachSignInHasANewSessionAndEndsTheOldOne(t *testing.T) {
	d := open(t, nil)
	first := d.signIn("lisa", secretText).cookies[0].Value
	second := d.signIn("lisa", secretText).cookies[0].Value
	if first == second || len(d.kept.by) != 1 {
		t.Errorf("%d sessions, the same text: %v", len(d.kept.by), first == second)
	}
	if got := d.post("/sign-out", nil); got.location != "/sign-in" || len(d.kept.by) != 0 {
		t.Errorf("after signing out there are %d sessions: %+v", len(d.kept.by), got)
	}
	if got := d.get("/"); got.code != http.StatusSeeOther {
		t.Errorf("after signing out: %+v", got)
	}
}

func TestASessionEndsAfterAWorkingDay(t *testing.T) {
	d := open(t, nil)
	d.signIn("lisa", secretText)
	d.later(sessionMax - time.Second)
	if got := d.get("/"); got.code != 200 {
		t.Errorf("within the day: %+v", got)
	}
	d.later(time.Second)
	if got := d.get("/"); got.code != http.StatusSeeOther {
		t.Errorf("after the day: %+v", got)
	}
}

func TestWhoIsTakenAwayOrGivenAnotherRoleOrPasswordIsOutAtOnce(t *testing.T) {
	for what, change := range map[string]func(u *Users) error{
		"away":     func(u *Users) error { return u.Remove("anna") },
		"role":     func(u *Users) error { return u.Set("anna", Look, secretText) },
		"password": func(u *Users) error { return u.Set("anna", Admin, "another good password") },
	} {
		d := open(t, nil)
		d.signIn("anna", secretText)
		if got := d.get("/"); got.body != "anna admin /" {
			t.Fatalf("anna: %+v", got)
		}
		if err := change(d.users); err != nil {
			t.Fatal(err)
		}
		if got := d.get("/"); got.code != http.StatusSeeOther {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func TestAWrongNameLooksLikeAWrongPassword(t *testing.T) {
	d := open(t, nil)
	name, password := d.signIn("nobody", secretText), d.signIn("lisa", "wrong")
	if name.code != http.StatusUnauthorized || name.body != password.body || name.code != password.code {
		t.Errorf("name: %+v, password: %+v", name, password)
	}
	for _, secret := range []string{"nobody", secretText, "wrong"} {
		if strings.Contains(strings.ReplaceAll(d.log.String(), "a wrong name", ""), secret) {
			t.Errorf("the log holds %q: %s", secret, d.log)
		}
	}
	// and it costs the same: an unknown name is hashed, with the file's own parameters
	if !strings.HasPrefix(d.door.users.nobody, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("nobody's hash is %q", d.door.users.nobody)
	}
}

func TestWhoFailsTenTimesWaits(t *testing.T) {
	d := open(t, func(c *Config, _ *Parts) { c.BehindProxy = true })
	from := func(n int) []string { return []string{"X-Forwarded-For", fmt.Sprintf("9.9.9.9, 192.0.2.%d", n)} }
	for n := range failuresMax { // one name from many addresses
		if got := d.signIn("lisa", "wrong", from(n)...); got.code != http.StatusUnauthorized {
			t.Fatalf("%d: %+v", n, got)
		}
	}
	if got := d.signIn("lisa", secretText, from(100)...); got.code != http.StatusTooManyRequests {
		t.Errorf("the eleventh of a name: %+v", got)
	}
	for n := range failuresMax - 1 { // many names from the address that failed once
		if got := d.signIn(fmt.Sprintf("user%d", n), "wrong", from(0)...); got.code != http.StatusUnauthorized {
			t.Fatalf("%d: %+v", n, got)
		}
	}
	if got := d.signIn("olle", secretText, from(0)...); got.code != http.StatusTooManyRequests {
		t.Errorf("the eleventh of an address: %+v", got)
	}
	if got := d.signIn("olle", secretText, from(101)...); got.code != http.StatusSeeOther {
		t.Errorf("another name from another address: %+v", got)
	}
	d.later(failuresPause)
	if got := d.signIn("lisa", secretText, from(100)...); got.code != http.StatusSeeOther {
		t.Errorf("after the pause: %+v", got)
	}
}

func TestAnOfficeBehindOneAddressMaySignIn(t *testing.T) {
	d := open(t, nil)
	for range 3 * failuresMax {
		if got := d.signIn("lisa", secretText); got.code != http.StatusSeeOther {
			t.Fatalf("%+v", got)
		}
	}
}

func TestWhoClaimsAnAddressIsCountedByTheirOwn(t *testing.T) {
	d := open(t, nil) // no proxy before it
	for n := range failuresMax {
		d.signIn(fmt.Sprintf("user%d", n), "wrong", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", n))
	}
	if got := d.signIn("lisa", secretText, "X-Forwarded-For", "192.0.2.200"); got.code != http.StatusTooManyRequests {
		t.Errorf("%+v", got)
	}
}

func TestALinkLeadsToNoOtherSite(t *testing.T) {
	for next, want := range map[string]string{
		"/": "/", "/m/1?x=y": "/m/1?x=y", "": "/", "m": "/", "//evil.example": "/", "https://evil.example/": "/",
		`/\evil.example`: "/", "/\t/evil.example": "/", "javascript:alert(1)": "/", "///evil.example": "/",
		"/sign-in?next=/": "/", "/%2Fevil.example": "/%2Fevil.example", "/a#b": "/a", "http:evil": "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q, not %q", next, got, want)
		}
	}
}

func FuzzALinkLeadsToNoOtherSite(f *testing.F) {
	f.Add("//evil.example")
	f.Add("/m/1?x=y")
	f.Fuzz(func(t *testing.T, next string) {
		base := &url.URL{Scheme: "https", Host: "hub.example"}
		u, err := base.Parse(local(next))
		if err != nil || u.Host != "hub.example" || u.Scheme != "https" {
			t.Errorf("%q leads to %v", next, u)
		}
	})
}

func TestARoleMayWhatASmallerOneMay(t *testing.T) {
	d := open(t, nil)
	for name, has := range map[string]Role{"anna": Admin, "olle": Operate, "lisa": Look} {
		d.signIn(name, secretText)
		token := ""
		for _, c := range d.browser.Jar.Cookies(mustParse(t, d.server.URL)) {
			token = c.Name + "=" + c.Value
		}
		for _, need := range append(Roles(), Nobody) {
			w := recorder{h: http.Header{}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", token)
			seen := false
			d.door.Guard(need, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = true })).
				ServeHTTP(&w, r)
			if may := need != Nobody && has >= need; seen != may || !may && w.code != http.StatusForbidden {
				t.Errorf("%v where %v is needed: seen %v, code %d", has, need, seen, w.code)
			}
		}
	}
}

type recorder struct {
	h    http.Header
	code int
}

func (r *recorder) Header() http.Header         { return r.h }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAConfigThatLetsNobodyOrEverybodyInIsRefused(t *testing.T) {
	dir := t.TempDir()
	open, empty := filepath.Join(dir, "open"), filepath.Join(dir, "empty")
	for name, mode := range map[string]os.FileMode{open: 0o604, empty: 0o600} {
		if err := os.WriteFile(name, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	issuer := OIDC{Issuer: "https://id.example", ClientID: "x", ClientSecretFile: empty, Look: []string{"a"}}
	with := func(f func(*OIDC)) Config {
		o := issuer
		f(&o)
		return Config{PublicURL: "https://hub.example", OIDC: o}
	}
	for want, c := range map[string]Config{
		"public_url":           {PublicURL: "http://hub.example", Users: "x"},
		"is not like https":    {PublicURL: "https://hub.example/desk", Users: "x"},
		"nobody can sign in":   {PublicURL: "https://hub.example"},
		"no https address":     with(func(o *OIDC) { o.Issuer = "http://id.example" }),
		"client_id":            with(func(o *OIDC) { o.ClientID = "" }),
		"without a group":      with(func(o *OIDC) { o.Look = nil }),
		"read by everybody":    with(func(o *OIDC) { o.ClientSecretFile = open }),
		"holds no secret":      with(func(*OIDC) {}),
		"no such file":         with(func(o *OIDC) { o.ClientSecretFile = dir + "/none" }),
		"no regular file":      {PublicURL: "http://127.0.0.1:8088", Users: dir},
		"can be read by other": {PublicURL: "http://localhost:8088", Users: open},
	} {
		if _, err := New(c, Parts{Now: time.Now}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}
