package backup

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/identity"
	"kioskd/internal/proof/till"
)

// card is a machine's card: what is on it is below one folder.
type card struct {
	t    *testing.T
	root string
	file string // the config
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// blank is a card with the package installed and nothing else.
func blank(t *testing.T) *card {
	t.Helper()
	c := &card{t: t, root: t.TempDir()}
	for _, dir := range []string{"etc", "lib"} {
		if err := os.Mkdir(filepath.Join(c.root, dir), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	c.file = filepath.Join(c.root, "etc", "kioskd.toml")
	return c
}

func (c *card) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.root, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// machine is a card of a machine that has sold, and the key of its operator. Its files are all named relative to the
// config, so that they can be put back on another card.
func machine(t *testing.T) (*card, *till.Machine, *age.X25519Identity) {
	t.Helper()
	c := blank(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	text := config.Example
	for was, now := range map[string]string{
		`path = "/var/lib/kioskd/journal.db"`: `path = "../lib/journal.db"`,
		`[backup]`:                            "[backup]\nfolder = \"../stick\"\nrecipients = [\"" + key.Recipient().String() + "\"]",
	} {
		if !strings.Contains(text, "\n"+was) {
			t.Fatalf("the example has no %s", was)
		}
		text = strings.Replace(text, "\n"+was, "\n"+now, 1)
	}
	c.write("etc/kioskd.toml", text)
	c.write("etc/glase.password", "opensesame\n")
	id := identity.New("serial-1")
	id.TerminalID, id.Password = "t1", identity.NewSecret("hunter2")
	if err := identity.Save(filepath.Join(c.root, "lib", "identity.json"), id); err != nil {
		t.Fatal(err)
	}
	m := till.New(t, filepath.Join(c.root, "lib", "journal.db"))
	m.Sell()
	return c, m, key
}

func (c *card) config() config.Config {
	c.t.Helper()
	cfg, err := config.Load(c.file, drivers.All())
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

func (c *card) machine() Machine {
	return Machine{Config: c.config(), File: c.file, Version: "1.0.0", Serial: "serial-1", Now: noon, Synced: true}
}

// copied makes a copy on a stick of its own, and gives its bytes.
func (c *card) copied(change ...func(*Machine)) []byte {
	c.t.Helper()
	m := c.machine()
	for _, do := range change {
		do(&m)
	}
	made, err := Make(c.t.Context(), m, c.t.TempDir(), 3)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := os.ReadFile(made.File)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// unsealed copies without keys.
func unsealed(m *Machine) { m.Config.Backup.Recipients = nil }

// restore puts a copy back on the card.
func (c *card) restore(file []byte, keys ...age.Identity) Restore {
	return Restore{From: bytes.NewReader(file), Keys: keys, File: c.file, Kinds: drivers.All(), Version: "1.0.0",
		Serial: "serial-1", Now: noon.Add(time.Hour)}
}

// content is everything on the card, by its name; drafts and locks aside.
func (c *card) content() map[string]string {
	c.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(c.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(c.root, path)
		all[name] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return all
}
