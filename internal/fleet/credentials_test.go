package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
)

// token has a token's form; only a server judges what it says.
const token = "eyJ0eXAiOiJKV1QifQ.eyJuYW1lIjoiQTEifQ.c2lnbmF0dXJl"

func seedOf(t testing.TB, make func() (nkeys.KeyPair, error)) string {
	t.Helper()
	pair, err := make()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return string(seed)
}

func decorated(token, seed string) string {
	text := "-----BEGIN NATS USER JWT-----\n" + token + "\n------END NATS USER JWT------\n"
	if seed != "" {
		text += "\n-----BEGIN USER NKEY SEED-----\n" + seed + "\n------END USER NKEY SEED------\n"
	}
	return text
}

func TestCredentialsAreATokenAndAKey(t *testing.T) {
	inFile, own := seedOf(t, nkeys.CreateUser), seedOf(t, nkeys.CreateUser)
	for name, c := range map[string]struct{ text, want string }{
		"both":      {decorated(token, inFile), inFile},
		"decorated": {decorated(token, ""), own},
		"alone":     {token + "\n", own},
	} {
		path := filepath.Join(t.TempDir(), "creds")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, key, err := ReadCredentials(path, func() (string, error) { return own, nil })
		if err != nil || got != token {
			t.Errorf("%s: %q, %v", name, got, err)
			continue
		}
		if seed, err := key.Seed(); err != nil || string(seed) != c.want {
			t.Errorf("%s: another key, %v", name, err)
		}
	}
}

func TestBadCredentialsSayWhatToDoAndNothingSecret(t *testing.T) {
	user, account := seedOf(t, nkeys.CreateUser), seedOf(t, nkeys.CreateAccount)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		seed func() (string, error)
		want string
	}{
		"none":         {"", 0, nil, "does not exist: have the operator enrol"},
		"empty":        {"\n", 0o600, nil, "holds no credentials"},
		"rubbish":      {"hello there", 0o600, nil, "holds no credentials"},
		"long":         {strings.Repeat("x", credentialsMax+1), 0o600, nil, "larger than"},
		"exposed":      {decorated(token, user), 0o644, nil, "chmod 600"},
		"an account's": {decorated(token, account), 0o600, nil, "not a user's"},
		"cut":          {decorated(token, user[:20]), 0o600, nil, "its key is none"},
		"no key":       {decorated(token, ""), 0o600, nil, "enrol it again"},
		"bad own key": {decorated(token, ""), 0o600, func() (string, error) { return account, nil },
			"own key is none"},
		"no own key": {decorated(token, ""), 0o600, func() (string, error) { return "", errors.New("no identity") },
			"no identity"},
	} {
		path := filepath.Join(t.TempDir(), "creds")
		if c.mode != 0 {
			if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := ReadCredentials(path, c.seed)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), user) || strings.Contains(err.Error(), token)) {
			t.Errorf("%s: a secret in %v", name, err)
		}
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add([]byte(decorated(token, seedOf(f, nkeys.CreateUser))))
	f.Add([]byte(token))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, key, err := parseCredentials(b)
		if err != nil && (got != "" || key != nil) || err == nil && !isToken(got) {
			t.Fatalf("%q, %v, %v", got, key, err)
		}
		if key != nil {
			if _, err := key.Sign([]byte("nonce")); err != nil {
				t.Fatalf("a key that signs nothing: %v", err)
			}
		}
	})
}
