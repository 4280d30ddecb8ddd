package grants

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"kioskd/internal/fleet/protocol"
)

func fleet(t *testing.T) *Fleet {
	t.Helper()
	f, err := Make("a fleet")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func public(t *testing.T) string {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	p, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNoNameOfOneRoleIsAnothers(t *testing.T) {
	f := fleet(t)
	key := public(t)
	for _, c := range []struct {
		role Role
		name string
		good bool
	}{
		{Kiosk, "KIOSK7", true}, {Gateway, "gateway-1", true}, {Hub, "hub-2", true}, {System, "system-1", true},
		{Kiosk, "gateway-1", false}, {Kiosk, "a.b", false}, {Kiosk, "*", false}, {Kiosk, ">", false},
		{Kiosk, "", false}, {Kiosk, strings.Repeat("A", 65), false}, {Kiosk, "A B", false},
		{Kiosk, "{{name()}}", false}, {Kiosk, protocol.Gates, false},
		{Gateway, "KIOSK7", false}, {Gateway, "-", false}, {Gateway, "a.b-c", false}, {Hub, "hub-*", false},
		{"", "a-b", false}, {"root", "a-b", false},
	} {
		token, err := f.User(c.role, c.name, key)
		if (err == nil) != c.good {
			t.Errorf("%s %q: %v", c.role, c.name, err)
		}
		if err != nil {
			continue
		}
		u, err := jwt.DecodeUserClaims(token)
		if err != nil || u.Name != c.name || u.Subject != key || !u.HasEmptyPermissions() {
			t.Errorf("%s %q is granted %v, %v", c.role, c.name, u, err)
		}
	}
	for _, bad := range []string{"", "UABC", "x", "SUAKINJH"} {
		if _, err := f.User(Kiosk, "K1", bad); err == nil {
			t.Errorf("%q is taken for a public key", bad)
		}
	}
	delete(f.Signers, Gateway)
	if _, err := f.User(Gateway, "gateway-1", key); err == nil || !strings.Contains(err.Error(), "not here") {
		t.Errorf("a gateway without the key that makes one: %v", err)
	}
}

func TestWhoIsShutOutStaysShutOut(t *testing.T) {
	f := fleet(t)
	a, b := public(t), public(t)
	now := time.Now()
	claims, err := f.Revoked(f.Account, map[string]time.Time{a: now})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err = f.Revoked(claims, map[string]time.Time{b: now}); err != nil {
		t.Fatal(err)
	}
	account, err := jwt.DecodeAccountClaims(claims)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{a, b} {
		if !account.Revocations.IsRevoked(key, now) || account.Revocations.IsRevoked(key, now.Add(time.Hour)) {
			t.Errorf("%v", account.Revocations)
		}
	}
	if len(account.SigningKeys) != 3 || !account.Limits.DisallowBearer {
		t.Errorf("revoking changes what is granted: %v", account)
	}
	if _, err := f.Revoked(claims, map[string]time.Time{"*": now}); err == nil {
		t.Error("everybody is shut out at once") // to NATS that word is everybody
	}
}
