package authority

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyTheDeskSigns(t *testing.T) {
	desk, other := make1(t), make1(t)
	public, err := desk.Public()
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(`{"do":"restart"}`)
	signature, err := desk.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := public.Check(text, signature); err != nil {
		t.Errorf("its own signature: %v", err)
	}
	foreign, err := other.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	bent := append([]byte{signature[0] ^ 1}, signature[1:]...)
	for name, c := range map[string]struct {
		by              Public
		text, signature []byte
	}{
		"another key":       {public, text, foreign},
		"another text":      {public, []byte(`{"do":"refund"}`), signature},
		"a changed bit":     {public, text, bent},
		"no signature":      {public, text, nil},
		"half a signature":  {public, text, signature[:32]},
		"no authority":      {"", text, signature},
		"not an authority":  {"UABC", text, signature},
		"a word for no key": {"\x00", text, signature},
	} {
		if err := c.by.Check(c.text, c.signature); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeyIsKeptAndNeverPrinted(t *testing.T) {
	k := make1(t)
	seed, err := k.Seed()
	if err != nil {
		t.Fatal(err)
	}
	again, err := FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := k.Public()
	b, _ := again.Public()
	if a != b || a == "" {
		t.Errorf("%s came back as %s", a, b)
	}
	if p, err := Parse(string(a)); err != nil || p != a {
		t.Errorf("%v, %v", p, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, k); strings.Contains(text, string(seed)) {
			t.Errorf("%s prints the seed: %s", verb, text)
		}
	}
	for _, bad := range []string{"", "x", string(seed), strings.ToLower(string(a))} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is taken for a public key", bad)
		}
		if bad != string(seed) {
			if _, err := FromSeed([]byte(bad)); err == nil {
				t.Errorf("%q is taken for a seed", bad)
			}
		}
	}
}

func TestACredentialsFileNamesOneAuthority(t *testing.T) {
	public, err := make1(t).Public()
	if err != nil {
		t.Fatal(err)
	}
	const token = "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n"
	for content, good := range map[string]bool{
		token + public.Line(): true, token + "\n# whom to obey\n  " + public.Line(): true, public.Line(): true,
		token: false, "": false, public.Line() + public.Line(): false, "authority UABC\n": false, "authority": false,
		string(public): false,
	} {
		got, err := InCredentials([]byte(content))
		if good && got != public || (err == nil) != good {
			t.Errorf("%q: %q, %v", content, got, err)
		}
	}
}

func TestAMachineObeysWhomItsCredentialsName(t *testing.T) {
	desk, other := make1(t), make1(t)
	public, err := desk.Public()
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("restart")
	signature, err := desk.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fleet.creds")
	if err := (Kept{Credentials: path}).Check(text, signature); !errors.Is(err, ErrSignature) {
		t.Errorf("before it is enrolled: %v", err)
	}
	if err := os.WriteFile(path, []byte("-----BEGIN NATS USER JWT-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Kept{Credentials: path}).Check(text, signature); !errors.Is(err, ErrSignature) {
		t.Errorf("credentials that name nobody: %v", err)
	}
	if err := os.WriteFile(path, []byte(public.Line()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (Kept{Credentials: path}).Check(text, signature); err != nil {
		t.Errorf("once it is enrolled: %v", err)
	}
	if signature, err = other.Sign(text); err != nil {
		t.Fatal(err)
	}
	if err := (Kept{Credentials: path}).Check(text, signature); !errors.Is(err, ErrSignature) {
		t.Errorf("somebody else: %v", err)
	}
	named, err := other.Public()
	if err != nil {
		t.Fatal(err)
	}
	if err := (Kept{named, path}).Check(text, signature); err != nil {
		t.Errorf("whom the config names: %v", err)
	}
}

func make1(t *testing.T) Key {
	t.Helper()
	k, err := Make()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func FuzzParse(f *testing.F) {
	f.Add("UABC", []byte("x"))
	f.Fuzz(func(t *testing.T, text string, signature []byte) {
		p, err := Parse(text)
		if err == nil && string(p) != text {
			t.Errorf("%q became %q", text, p)
		}
		if Public(text).Check([]byte("a command"), signature) == nil {
			t.Errorf("%q signed it", text)
		}
	})
}
