package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"kioskd/internal/plainfile"
)

const (
	issuerWithin = 10 * time.Second // for one question to the issuer
	issuerPause  = 5 * time.Second  // after one that failed: those who wait get its answer
	flowMax      = 10 * time.Minute // for a person to sign in there
	secretMax    = 4 << 10          // bytes of the client secret's file
	codeMax      = 4 << 10          // bytes of what the issuer sends along
)

// OIDC is how people sign in elsewhere.
type OIDC struct {
	Issuer           string `toml:"issuer"` // its URL, https
	ClientID         string `toml:"client_id"`
	ClientSecretFile string `toml:"client_secret_file"`
	// the claim of the ID token that lists groups; a text or a list of texts. "groups" when it is not set
	Claim  string   `toml:"claim"`
	Scopes []string `toml:"scopes"` // beside openid and profile: what makes the issuer send the claim
	// groups whose members have a role; who is in several has the greatest
	Look    []string `toml:"look"`
	Operate []string `toml:"operate"`
	Admin   []string `toml:"admin"`
}

// issuer signs people in by OpenID Connect, with the authorization code, PKCE, state and nonce.
type issuer struct {
	OIDC
	issuer string
	secret string
	back   string // our address that the issuer sends people back to
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // nil until the issuer could be asked
	failed   time.Time      // when it last could not
	failure  error
}

func newIssuer(c OIDC, back string, client *http.Client, now func() time.Time) (*issuer, error) {
	at, err := url.Parse(c.Issuer)
	if err != nil || at.Host == "" || at.Scheme != "https" && !loopback(at) {
		return nil, fmt.Errorf("[oidc] issuer: %q is no https address", c.Issuer)
	}
	if c.ClientID == "" || c.ClientSecretFile == "" {
		return nil, errors.New("[oidc] client_id and client_secret_file: the issuer gives both to this hub")
	}
	if len(c.Look)+len(c.Operate)+len(c.Admin) == 0 {
		return nil, errors.New("[oidc] look, operate, admin: without a group that has a role nobody can sign in")
	}
	text, info, err := plainfile.Read(c.ClientSecretFile, secretMax)
	switch {
	case err != nil:
		return nil, fmt.Errorf("[oidc] client_secret_file: %w", err)
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Errorf("[oidc] client_secret_file: %s can be read by everybody: chmod 600 it",
			c.ClientSecretFile)
	case strings.TrimSpace(string(text)) == "" || len(text) > secretMax:
		return nil, fmt.Errorf("[oidc] client_secret_file: %s holds no secret", c.ClientSecretFile)
	}
	if c.Claim == "" {
		c.Claim = "groups"
	}
	return &issuer{OIDC: c, issuer: c.Issuer, secret: strings.TrimSpace(string(text)), back: back, client: client,
		now: now}, nil
}

// reach asks the issuer who it is, once it can be reached: it may be down while the hub starts.
func (i *issuer) reach(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider == nil {
		if i.failure != nil && i.now().Sub(i.failed) < issuerPause {
			return nil, nil, i.failure
		}
		// the provider keeps this context for fetching keys, long after the request
		p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), i.client), i.issuer)
		if err != nil {
			i.failed, i.failure = i.now(), fmt.Errorf("people: the issuer cannot be asked: %w", err)
			return nil, nil, i.failure
		}
		i.provider = p
	}
	scopes := append([]string{oidc.ScopeOpenID, "profile"}, i.Scopes...)
	return i.provider, &oauth2.Config{ClientID: i.ClientID, ClientSecret: i.secret, Endpoint: i.provider.Endpoint(),
		RedirectURL: i.back, Scopes: scopes}, nil
}

// flow is what a browser holds while its person is at the issuer.
type flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // PKCE
	Next     string `json:"to"`
}

// begin gives where to send the browser, and what it shall hold meanwhile.
func (i *issuer) begin(ctx context.Context, next string) (where, held string, err error) {
	_, config, err := i.reach(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), next}
	text, err := json.Marshal(f)
	return config.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)),
		url.QueryEscape(string(text)), err
}

// errForeign is of a person who came back with something that this browser did not begin.
var errForeign = errors.New("people: this sign-in was not begun by this browser, or too long ago: begin anew")

// end takes a person who comes back from the issuer.
func (i *issuer) end(ctx context.Context, held string, q url.Values) (p Person, next string, err error) {
	text, err := url.QueryUnescape(held)
	var f flow
	if err != nil || json.Unmarshal([]byte(text), &f) != nil || f.State == "" || f.Nonce == "" ||
		subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.State)) != 1 {
		return p, "", errForeign
	}
	if word := q.Get("error"); word != "" {
		return p, "", fmt.Errorf("people: the issuer refused: %.100q", word)
	}
	if from := q.Get("iss"); from != "" && from != i.issuer { // RFC 9207
		return p, "", fmt.Errorf("people: another issuer answered: %.100q", from)
	}
	if len(q.Get("code")) > codeMax {
		return p, "", errForeign
	}
	provider, config, err := i.reach(ctx)
	if err != nil {
		return p, "", err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, i.client), issuerWithin)
	defer cancel()
	tokens, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) {
			// its body may hold tokens
			err = fmt.Errorf("people: the issuer refused the code: %.100q", refused.ErrorCode)
		}
		return p, "", err
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := provider.Verifier(&oidc.Config{ClientID: i.ClientID, Now: i.now}).Verify(ctx, raw)
	if err != nil {
		return p, "", fmt.Errorf("people: the issuer's token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1 {
		return p, "", errForeign
	}
	p, err = i.person(token)
	return p, f.Next, err
}

// errNoRole is of somebody whom the issuer knows and who has nothing to do here.
var errNoRole = errors.New("people: none of this person's groups has a role here: the config's [oidc] says which have")

func (i *issuer) person(token *oidc.IDToken) (Person, error) {
	var claims map[string]json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return Person{}, fmt.Errorf("people: the issuer's token: %w", err)
	}
	p := Person{Name: token.Subject, By: i.issuer, Mark: token.Subject}
	for _, claim := range []string{"email", "preferred_username"} {
		var name string
		if json.Unmarshal(claims[claim], &name) == nil && name != "" {
			p.Name = name
		}
	}
	p.Name = plain(p.Name)
	groups := groupsOf(claims[i.Claim])
	of := map[Role][]string{Look: i.Look, Operate: i.Operate, Admin: i.Admin}
	for _, role := range Roles() { // the greatest is the last
		if slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(of[role], g) }) {
			p.Role = role
		}
	}
	if p.Role == Nobody {
		return p, errNoRole
	}
	return p, nil
}

// groupsOf reads a claim: a list of texts, or one. Whatever else it is, is nothing.
func groupsOf(claim json.RawMessage) []string {
	var list []string
	if json.Unmarshal(claim, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(claim, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// plain is a name as one short line.
func plain(name string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "?")))
	return string(runes[:min(len(runes), nameMax)])
}
