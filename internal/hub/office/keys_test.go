package office

import (
	"errors"
	"strings"
	"testing"
)

// TestAKeyOpensForItsPersonsPasswordAlone: the database's reader has neither the key nor a password.
func TestAKeyOpensForItsPersonsPasswordAlone(t *testing.T) {
	seed := []byte("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY")
	sealed, err := seal(seed, []byte("secret"), "anna")
	if err != nil || strings.Contains(string(sealed), string(seed[:8])) {
		t.Fatalf("%v, or it is not hidden", err)
	}
	if got, err := unseal(sealed, []byte("secret"), "anna"); err != nil || string(got) != string(seed) {
		t.Errorf("%v", err)
	}
	bent := append([]byte{}, sealed...)
	bent[len(bent)-1] ^= 1
	for name, c := range map[string]struct {
		sealed       []byte
		secret, name string
	}{"another password": {sealed, "Secret", "anna"}, "another person": {sealed, "secret", "bert"},
		"a changed bit": {bent, "secret", "anna"}, "half of it": {sealed[:20], "secret", "anna"}} {
		if got, err := unseal(c.sealed, []byte(c.secret), c.name); !errors.Is(err, ErrSealed) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
