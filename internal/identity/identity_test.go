package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
)

const (
	password = "N29qdw4rWf"
	phone    = "46700643842"
	seed     = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
	next     = "SUAOTUSKWAFK6HVXLZFIV5BGRYCLDPEFAQX6ZYRGX6HVQTRXUQGDZBHUMY"
)

func registered() Identity {
	id := New("10000000abcdef01")
	id.TerminalID, id.Password = "87e1e8a9dd", NewSecret(password)
	id.FleetSeed, id.FleetNext = NewSecret(seed), NewSecret(next)
	return id
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	id := registered()
	if err := Save(path, id); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.TerminalID != id.TerminalID || got.Password.Reveal() != password || got.Serial != id.Serial ||
		got.FleetSeed.Reveal() != seed || got.FleetNext.Reveal() != next {
		t.Errorf("%v came back as %v", id, got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("Save leaves %v, %v", files, err)
	}
}

func TestAFailedSaveLeavesTheOldIdentity(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity.json")
	if err := os.Mkdir(path, 0o700); err != nil { // a folder cannot be replaced by a file
		t.Fatal(err)
	}
	if err := Save(path, registered()); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("Save: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("a failed Save leaves %v, %v", files, err)
	}
	if err := Save(filepath.Join(dir, "none", "identity.json"), registered()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Save in a folder that is not there: %v", err)
	}
}

func TestNoPrintingShowsASecret(t *testing.T) {
	id := registered()
	type outer struct {
		Name string
		ID   Identity
		id   Identity // a printer cannot call methods here
		ptr  *Identity
	}
	o := outer{"x", id, id, &id}
	for _, value := range []any{id, &id, id.Password, &id.Password, o, &o, []Identity{id},
		map[string]Identity{"a": id}} {
		var printed []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		l := zerolog.New(&log)
		l.Info().Interface("value", value).Object("id", id).Msg("")
		printed = append(printed, string(b), log.String(), fmt.Sprint(value))
		for _, p := range printed {
			for _, secret := range []string{password, fmt.Sprintf("%x", password), seed, next,
				fmt.Sprintf("%x", seed)} {
				if strings.Contains(p, secret) {
					t.Errorf("%T prints a secret: %s", value, p)
				}
			}
		}
	}
	if s := id.String(); !strings.Contains(s, "87e1e8a9dd") || !strings.Contains(s, "hidden") {
		t.Errorf("String() = %s", s)
	}
}

func TestAFileThatOthersMayReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	if err := Save(path, registered()); err != nil {
		t.Fatal(err)
	}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o620: true,
		0o666: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); errors.Is(err, ErrExposed) != refused || (err == nil) == refused {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestABadFileIsRefusedWithoutQuotingIt(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty":       "",
		"white":       " \n",
		"garbage":     "\x00\xff" + password,
		"text":        password,
		"null":        "null",
		"list":        `["` + password + `"]`,
		"number":      `{"password":12345}`,
		"unknown":     `{"terminal_id":"x","` + password + `":""}`,
		"two":         `{"terminal_id":"x"} {"password":"` + password + `"}`,
		"cut short":   `{"terminal_id":"x","password":"` + password,
		"far too big": `{"password":"` + strings.Repeat(password, 2000) + `"}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if !errors.Is(err, ErrBad) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
	if _, err := Load(dir); !errors.Is(err, ErrExposed) && !errors.Is(err, ErrBad) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// and it waits for no writer
	if _, err := Load(fifo); !errors.Is(err, ErrBad) || !strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("a pipe: %v", err)
	}
}

func TestAnIdentityIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	made, err := Ensure(path, "s1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Ensure(path, "s2")
	if err != nil || again.Serial != "s1" || again.FleetSeed.Reveal() != made.FleetSeed.Reveal() {
		t.Errorf("%v, %v", again, err)
	}
	if key, err := FleetKey(made.FleetSeed); err != nil || !strings.HasPrefix(key, "U") || len(key) != 56 {
		t.Errorf("its key in a fleet: %q, %v", key, err)
	}

	if seed, err := SeedAt(path)(); err != nil || seed != made.FleetSeed.Reveal() {
		t.Errorf("the key is read as %q, %v", seed, err)
	}

	old := `{"terminal_id":"87e1e8a9dd","password":"` + password + `","payer_key":"` + strings.Repeat("ab", 32) + `"}`
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := Ensure(path, "s1")
	if err != nil || kept.TerminalID != "87e1e8a9dd" || kept.Password.Reveal() != password {
		t.Errorf("an older version's file: %v, %v", kept, err)
	}
	if _, err := SeedAt(path)(); err == nil || !strings.Contains(err.Error(), "kioskd enroll") {
		t.Errorf("an older version's file has no key: %v", err)
	}

	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Ensure(path, ""); !errors.Is(err, ErrBad) {
		t.Errorf("Ensure on rubbish: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "rubbish" {
		t.Error("Ensure replaces a file that it cannot read")
	}
}

func TestTheMachinesSerialNumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serial-number")
	for content, want := range map[string]string{
		"10000000abcdef01\x00":    "10000000abcdef01",
		"10000000abcdef01":        "10000000abcdef01",
		"":                        "",
		"\x00":                    "",
		"a\x00b":                  "",
		"\xff\xfe":                "",
		strings.Repeat("1", 1000): "",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := MachineSerial(path); got != want {
			t.Errorf("%q gives %q, want %q", content, got, want)
		}
	}
	if got := MachineSerial(path + "none"); got != "" {
		t.Errorf("no file gives %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"terminal_id":"87e1e8a9dd","password":"N29qdw4rWf","serial":"1","payer_key":"` +
		strings.Repeat("ab", 32) + `"}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"payer_key":null}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decode(b); err != nil && !errors.Is(err, ErrBad) {
			t.Errorf("%v", err)
		}
	})
}
