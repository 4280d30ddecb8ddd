package enrol

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/authority"
)

const code = "7HK2-M0QX-9PDA-C4TB"

func TestACodeIsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]string{
		code: "7HK2M0QX9PDAC4TB", "7hk2m0qx9pdac4tb": "7HK2M0QX9PDAC4TB", " 7HK2 MOQX 9PDA C4TB ": "7HK2M0QX9PDAC4TB",
		"IiLl-oO00-1111-0000": "1111000011110000",
		"":                    "", "7HK2-M0QX-9PDA": "", "7HK2-M0QX-9PDA-C4TB-1": "", "7HK2-M0QX-9PDA-C4TU": "",
		"７HK2-M0QX-9PDA-C4TB": "",
		"7HK2_M0QX_9PDA_C4TB": "", strings.Repeat("A", 5000): "",
	} {
		got, err := Plain(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.40q is read as %q, %v", text, got, err)
		}
	}
}

func key(t testing.TB) string {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func token(name, key string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"name":%q,"sub":%q}`, name, key)) + ".c2ln"
}

func TestAnAnswerForAnotherMachineIsRefused(t *testing.T) {
	own, other := key(t), key(t)
	desk := authority.Public(key(t))
	good := Answer{ID: "K1", JWT: token("K1", own), Servers: []string{"tls://a:4222", "wss://b:443"}, Authority: desk}
	asked := Request{Code: code, Key: own, ID: "K1"}
	if err := good.check(asked); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Answer){
		"another id":        func(a *Answer) { a.ID, a.JWT = "K2", token("K2", own) },
		"another's token":   func(a *Answer) { a.JWT = token("K2", own) },
		"another key":       func(a *Answer) { a.JWT = token("K1", other) },
		"no token":          func(a *Answer) { a.JWT = "" },
		"no JSON in it":     func(a *Answer) { a.JWT = "a.b.c" },
		"more in it":        func(a *Answer) { a.JWT += "\n-----BEGIN USER NKEY SEED-----" },
		"no servers":        func(a *Answer) { a.Servers = nil },
		"many servers":      func(a *Answer) { a.Servers = make([]string, 17) },
		"a plain server":    func(a *Answer) { a.Servers = []string{"nats://a:4222"} },
		"a server and more": func(a *Answer) { a.Servers = []string{"tls://a:4222\"\n[glase]"} },
		"no authority":      func(a *Answer) { a.Authority = "" },
		"a bad CA":          func(a *Answer) { a.CA = "x" },
		"no id":             func(a *Answer) { a.ID = "" },
	} {
		a := good
		change(&a)
		if err := a.check(asked); err == nil {
			t.Errorf("%s is taken: %+v", name, a)
		}
	}
	if got := KeyOf(good.Credentials()); got != own {
		t.Errorf("its credentials are for %q", got)
	}
	if got, err := authority.InCredentials(good.Credentials()); err != nil || got != desk {
		t.Errorf("its credentials name %q, %v", got, err)
	}
	if _, err := nkeys.ParseDecoratedNKey(good.Credentials()); err != nkeys.ErrNoSeedFound {
		t.Errorf("a key in the credentials: %v", err)
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"code":"` + code + `","key":"` + key(f) + `","id":"K1"}`))
	f.Add([]byte(`{"code":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ReadRequest(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := ReadRequest(again); err != nil || second != r {
			t.Errorf("%q: %+v, %v", b, second, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	own := key(f)
	good, err := json.Marshal(Answer{ID: "K1", JWT: token("K1", own), Servers: []string{"tls://a:4222"},
		Authority: authority.Public(own)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		var a Answer
		if json.Unmarshal(b, &a) != nil || a.check(Request{Key: own, ID: "K1"}) != nil {
			return
		}
		if KeyOf(a.Credentials()) != own {
			t.Errorf("%q is taken, and its credentials are not for this machine", b)
		}
	})
}
