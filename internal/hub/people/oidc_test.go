package people

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// provider is a small issuer: whoever is sent to it has signed in already.
type provider struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	other  *ecdsa.PrivateKey // of somebody else
	now    func() time.Time
	codes  map[string]url.Values // what was asked for, by the code that was given

	claims map[string]any                 // beside the usual ones
	spoil  func(map[string]any)           // changes the token's claims before they are signed
	sign   func() *ecdsa.PrivateKey       // another key
	answer func(http.ResponseWriter) bool // instead of a token
}

const clientID, clientSecret = "hub", "a secret of two"

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, codes: map[string]url.Values{}, claims: map[string]any{"groups": []string{"staff", "vending"}}}
	for _, k := range []**ecdsa.PrivateKey{&p.key, &p.other} {
		var err error
		if *k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	p.sign = func() *ecdsa.PrivateKey { return p.key }
	mux := http.NewServeMux()
	p.server = httptest.NewTLSServer(mux)
	t.Cleanup(p.server.Close)
	tell := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, map[string]any{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize",
			"token_endpoint": p.server.URL + "/token", "jwks_uri": p.server.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "1", Algorithm: "ES256"}}})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		code := rand.Text()
		p.codes[code] = q
		back := q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
		http.Redirect(w, r, back, http.StatusFound)
	})
	mux.HandleFunc("/token", p.token)
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	if p.answer != nil && p.answer(w) {
		return
	}
	id, secret, _ := r.BasicAuth()
	if unescaped, err := url.QueryUnescape(secret); err == nil {
		secret = unescaped
	}
	asked := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if id != clientID || secret != clientSecret || asked == nil || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) ||
		r.FormValue("redirect_uri") != asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	claims := map[string]any{"iss": p.server.URL, "aud": clientID, "sub": "248289761001", "iat": p.now().Unix(),
		"exp": p.now().Add(time.Minute).Unix(), "nonce": asked.Get("nonce"), "preferred_username": "kim"}
	for k, v := range p.claims {
		claims[k] = v
	}
	if p.spoil != nil {
		p.spoil(claims)
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.sign(), KeyID: "1"}}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	text, _ := json.Marshal(claims)
	signed, err := signer.Sign(text)
	if err != nil {
		p.t.Error(err)
		return
	}
	compact, _ := signed.CompactSerialize()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "opaque-access-token", "token_type": "Bearer",
		"id_token": compact})
}

// withIssuer opens a desk where people sign in by the issuer alone.
func withIssuer(t *testing.T) (*desk, *provider) {
	t.Helper()
	p := newProvider(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(clientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, func(c *Config, parts *Parts) {
		c.Users = ""
		c.OIDC = OIDC{Issuer: p.server.URL, ClientID: clientID, ClientSecretFile: secret,
			Look: []string{"staff"}, Operate: []string{"vending"}, Admin: []string{"it"}}
		parts.Client = p.server.Client()
	})
	p.now = d.clock
	return d, p
}

// through goes to the issuer and comes back with the address that the issuer gave, changed by change.
func through(d *desk, p *provider, change func(url.Values)) answer {
	d.t.Helper()
	left := d.get("/oidc/begin?next=%2Fm%2F1")
	if left.code != http.StatusSeeOther {
		d.t.Fatalf("leaving: %+v", left)
	}
	there := p.visit(left.location)
	if change != nil {
		q := there.Query()
		change(q)
		there.RawQuery = q.Encode()
	}
	return d.get(there.RequestURI())
}

// visit is what the browser does at the issuer.
func (p *provider) visit(where string) *url.URL {
	p.t.Helper()
	c := *p.server.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, where, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	got, err := c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	got.Body.Close()
	back, err := got.Location()
	if err != nil {
		p.t.Fatal(err)
	}
	return back
}

func TestAPersonOfTheIssuerSignsInWithTheGreatestRoleOfTheirGroups(t *testing.T) {
	d, p := withIssuer(t)
	if got := through(d, p, nil); got.code != http.StatusSeeOther || got.location != "/m/1" {
		t.Fatalf("%+v\n%s", got, d.log)
	}
	if got := d.get("/"); got.body != "kim operate /" {
		t.Errorf("the page: %+v", got)
	}
	for groups, want := range map[string]string{`["it"]`: "kim admin /", `"staff"`: "kim look /"} {
		var v any
		if err := json.Unmarshal([]byte(groups), &v); err != nil {
			t.Fatal(err)
		}
		p.claims["groups"] = v
		through(d, p, nil)
		if got := d.get("/"); got.body != want {
			t.Errorf("%s: %+v", groups, got)
		}
	}
	if strings.Contains(d.log.String(), "opaque-access-token") || strings.Contains(d.log.String(), clientSecret) {
		t.Errorf("a secret is in the log: %s", d.log)
	}
}

func TestWhoHasNoRoleAtTheIssuerStaysOutside(t *testing.T) {
	d, p := withIssuer(t)
	for _, groups := range []any{[]string{"guests"}, nil, 7, []any{"it", 7}, "", map[string]any{"it": true}} {
		p.claims["groups"] = groups
		if got := through(d, p, nil); got.code != http.StatusForbidden || len(d.kept.by) != 0 {
			t.Errorf("%v: %d sessions, %+v", groups, len(d.kept.by), got)
		}
	}
}

// TestATokenThatIsNotForThisSignInIsRefused: each of these is an attack, or a mistake, that looks like a sign-in.
func TestATokenThatIsNotForThisSignInIsRefused(t *testing.T) {
	for what, spoil := range map[string]func(*provider, map[string]any){
		"nonce":         func(_ *provider, c map[string]any) { c["nonce"] = "another" },
		"no nonce":      func(_ *provider, c map[string]any) { delete(c, "nonce") },
		"audience":      func(_ *provider, c map[string]any) { c["aud"] = "somebody else" },
		"no audience":   func(_ *provider, c map[string]any) { delete(c, "aud") },
		"issuer":        func(_ *provider, c map[string]any) { c["iss"] = "https://evil.example" },
		"expired":       func(p *provider, c map[string]any) { c["exp"] = p.now().Add(-time.Second).Unix() },
		"never ends":    func(_ *provider, c map[string]any) { delete(c, "exp") },
		"not yet":       func(p *provider, c map[string]any) { c["nbf"] = p.now().Add(time.Hour).Unix() },
		"another's key": func(p *provider, _ map[string]any) { p.sign = func() *ecdsa.PrivateKey { return p.other } },
	} {
		d, p := withIssuer(t)
		p.spoil = func(c map[string]any) { spoil(p, c) }
		if got := through(d, p, nil); got.code != http.StatusUnauthorized || len(d.kept.by) != 0 {
			t.Errorf("%s: %d sessions, %+v", what, len(d.kept.by), got)
		}
	}
}

func TestAnAnswerThatIsNotForThisBrowserIsRefused(t *testing.T) {
	for what, change := range map[string]func(url.Values){
		"state":          func(q url.Values) { q.Set("state", "another") },
		"no state":       func(q url.Values) { q.Del("state") },
		"code":           func(q url.Values) { q.Set("code", "another") },
		"no code":        func(q url.Values) { q.Del("code") },
		"another issuer": func(q url.Values) { q.Set("iss", "https://evil.example") },
		"an error":       func(q url.Values) { q.Set("error", "access_denied") },
	} {
		d, p := withIssuer(t)
		if got := through(d, p, change); got.code != http.StatusUnauthorized || len(d.kept.by) != 0 {
			t.Errorf("%s: %d sessions, %+v", what, len(d.kept.by), got)
		}
	}
	d, p := withIssuer(t)
	left := d.get("/oidc/begin")
	there := p.visit(left.location)
	mine := d.browser
	d.browser = d.another() // somebody else follows the link
	if got := d.get(there.RequestURI()); got.code != http.StatusUnauthorized {
		t.Errorf("another browser: %+v", got)
	}
	d.browser = mine
	if got := d.get(there.RequestURI()); got.code != http.StatusSeeOther {
		t.Errorf("this browser: %+v", got)
	}
	if got := d.get(there.RequestURI()); got.code != http.StatusUnauthorized {
		t.Errorf("this browser once more: %+v", got)
	}
}

func TestAnIssuerThatIsDownIsAskedAgain(t *testing.T) {
	d, p := withIssuer(t)
	good := d.door.oidc.client.Transport
	d.door.oidc.client.Transport = broken{}
	for range 2 {
		if got := d.get("/oidc/begin"); got.code != http.StatusServiceUnavailable {
			t.Fatalf("%+v", got)
		}
	}
	d.door.oidc.client.Transport = good
	d.later(issuerPause)
	if got := through(d, p, nil); got.code != http.StatusSeeOther {
		t.Errorf("%+v\n%s", got, d.log)
	}
	p.answer = func(w http.ResponseWriter) bool {
		_, _ = w.Write([]byte(`{"access_token":"opaque-access-token","token_type":"Bearer"}`))
		return true
	}
	if got := through(d, p, nil); got.code != http.StatusUnauthorized {
		t.Errorf("an answer without an ID token: %+v", got)
	}
}

type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, os.ErrDeadlineExceeded }

func TestASessionOfAnotherIssuerIsNone(t *testing.T) {
	d, p := withIssuer(t)
	through(d, p, nil)
	for hash, s := range d.kept.by {
		s.p.By = "https://former.example"
		d.kept.by[hash] = s
	}
	if got := d.get("/"); got.code != http.StatusSeeOther {
		t.Errorf("%+v", got)
	}
	for hash, s := range d.kept.by {
		s.p.By = File
		d.kept.by[hash] = s
	}
	if got := d.get("/"); got.code != http.StatusSeeOther {
		t.Errorf("of a file that is no more: %+v", got)
	}
}

func FuzzWhatABrowserHoldsNeverSignsIn(f *testing.F) {
	f.Add("%7B%22s%22%3A%22a%22%7D", "state=a&code=b")
	f.Add(url.QueryEscape(`{"s":"a","n":"","v":"c","to":"//x"}`), "state=a&code=b")
	f.Fuzz(func(t *testing.T, held, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		i := &issuer{client: &http.Client{Transport: broken{}}, now: time.Now, issuer: "https://id.example"}
		if p, _, err := i.end(t.Context(), held, q); err == nil || p.Role != Nobody {
			t.Errorf("%q with %q: %+v, %v", held, query, p, err)
		}
	})
}
