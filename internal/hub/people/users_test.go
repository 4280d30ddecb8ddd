package people

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAUserIsWrittenReadAndTakenAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.json")
	u, err := openUsers(path, quick())
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Set("lisa", Look, secretText); err != nil {
		t.Fatal(err)
	}
	if err := u.Set("anna", Look, secretText); err != nil {
		t.Fatal(err)
	}
	if err := u.Set("anna", Admin, "another good password"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "horse") || strings.Contains(string(text), "another") {
		t.Errorf("a password stands in the file")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v", info.Mode())
	}
	again, err := openUsers(path, quick()) // the hub, beside the command
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, password string
		role           Role
	}{{"anna", "another good password", Admin}, {"anna", secretText, Nobody}, {"lisa", secretText, Look},
		{"lisa", "", Nobody}, {"", "", Nobody}, {"olle", secretText, Nobody},
		{"lisa", strings.Repeat("x", 1<<20), Nobody}} {
		p, ok, err := again.Match(c.name, c.password)
		if err != nil || ok != (c.role != Nobody) || p.Role != c.role {
			t.Errorf("%s with %.20q: %+v, %v, %v", c.name, c.password, p, ok, err)
		}
	}
	if err := u.Remove("lisa"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := again.Match("lisa", secretText); ok || err != nil {
		t.Errorf("lisa is still there: %v", err)
	}
	if err := u.Remove("lisa"); err == nil {
		t.Error("lisa was taken away twice")
	}
}

func TestTheProductsHashesAreStrong(t *testing.T) {
	u, err := OpenUsers(filepath.Join(t.TempDir(), "users.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(u.nobody, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("the hashes begin %.40q", u.nobody)
	}
}

func TestAPasswordIsALineOfTwelveCharacters(t *testing.T) {
	for password, good := range map[string]bool{
		"elva tecken": false, "tolv teckenå": true, "a\nb and much more": false, "\xff\xfe123456789012": false,
		strings.Repeat("x", passwordMax): true, strings.Repeat("x", passwordMax+1): false, "": false,
	} {
		if err := CheckPassword(password); (err == nil) != good {
			t.Errorf("%.30q: %v", password, err)
		}
	}
	u, err := openUsers(filepath.Join(t.TempDir(), "users.json"), quick())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "a b", "å", strings.Repeat("x", 65), `"`, "a\n"} {
		if u.Set(name, Look, secretText) == nil {
			t.Errorf("%q became a user", name)
		}
	}
}

const goodHash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$RdescudvJCsgt3ub+b+dWRWJTmaaJObGRdescudvJCs"

func TestASpoiltFileLetsNobodyIn(t *testing.T) {
	user := func(name, role, hash string) string {
		return `{"users":[{"name":"` + name + `","role":"` + role + `","hash":"` + hash + `"}]}`
	}
	if _, err := parseUsers([]byte(user("lisa", "look", goodHash))); err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"EOF": "", "unknown field": `{"user":[]}`, "behind its end": `{"users":[]} {}`, "is no role": user("lisa", "root", goodHash),
		"a name has":        user("", "look", goodHash),
		"its hash":          user("lisa", "look", "secret"),
		"more, or less":     user("lisa", "look", strings.Replace(goodHash, "t=1", "t=0", 1)),
		"asks for more, or": user("lisa", "look", strings.Replace(goodHash, "m=64", "m=4000000000", 1)),
		"than a password":   user("lisa", "look", strings.Replace(goodHash, "p=1", "p=0", 1)),
		"twice": `{"users":[{"name":"a","role":"look","hash":"` + goodHash + `"},{"name":"a","role":"admin","hash":"` +
			goodHash + `"}]}`,
	} {
		if users, err := parseUsers([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || users != nil {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzNoFileOfUsersPanics(f *testing.F) {
	f.Add([]byte(`{"users":[{"name":"a","role":"look","hash":"` + goodHash + `"}]}`))
	f.Add([]byte(`{"users":[{"name":"a","role":"look","hash":"$argon2id$v=19$m=1,t=0,p=0$$"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		users, err := parseUsers(text)
		for _, u := range users {
			if err != nil || u.Role == Nobody || checkName(u.Name) != nil || checkHash(u.hash) != nil {
				t.Errorf("%q gives %+v, %v", text, u, err)
			}
		}
	})
}
