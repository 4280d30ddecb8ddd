package setup

import (
	"os"
	"strings"
	"testing"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

// FuzzDraft: whatever lies where the draft is, it is refused by name or its answers are right ones.
func FuzzDraft(f *testing.F) {
	f.Add([]byte(`{"version":1,"answers":[{"key":"machine.name","text":"Lobby"},{"key":"slots","text":"64","form":1}]}`))
	f.Add([]byte(`{"version":1,"answers":[{"key":"slot.1.id","text":"A1"}],"before":{"slots":"-1","x":"\u0000"}}`))
	f.Add([]byte(`{"version":1,"answers":[{"key":"glase.password","text":"x","form":2},{"key":"..","form":-1}]}`))
	o := Options{Path: f.TempDir() + "/kioskd.toml", Kinds: drivers.All(), UID: -1, GID: -1}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(o.Path+".draft", b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(o)
		if err != nil {
			if !strings.Contains(err.Error(), o.Path+".draft") {
				t.Errorf("%v names no file", err)
			}
			return
		}
		defer s.Close()
		for _, c := range s.complaints() {
			if !c.missing && !c.later {
				t.Errorf("%q was taken: %s", b, c.said())
			}
		}
	})
}

// FuzzExisting: whatever the config is, it is changed where it is or set aside, and what comes of it says the answers.
func FuzzExisting(f *testing.F) {
	f.Add([]byte(config.Example))
	f.Add([]byte("[machine]\nname = 'a'   # ours\n[[slot]]\nid = \"A1\" # [x]\n[slot.vend]\ndriver = \"relay\"\n"))
	f.Add([]byte("slot = [1]\n[machine]\r\nname=\"\"\"\n[machine]\nname = \"x\"\n\"\"\"\n"))
	f.Add([]byte("machine.name = \"x\"\n[ glase ]\n\"endpoint\" = \"y\"\n"))
	o := Options{Path: f.TempDir() + "/kioskd.toml", Kinds: drivers.All(), UID: -1, GID: -1}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(o, b)
		if err := s.Answer("machine.name", "Lobby"); err != nil {
			return // the file is wrong elsewhere, and that is said
		}
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		said, err := flatten([]byte(text), o.Kinds)
		if err != nil || said.texts()["machine.name"] != "Lobby" {
			t.Errorf("%v, and it says %q:\n%s", err, said.texts()["machine.name"], text)
		}
	})
}

// FuzzAnswers: a file of answers is taken whole, or refused, and never half understood.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(lobby))
	f.Add([]byte("[[slot]]\n[slot.vend]\n[setup]\nx = [1]\n"))
	o := Options{Path: f.TempDir() + "/kioskd.toml", Kinds: drivers.All(), UID: -1, GID: -1,
		Facts: Facts{Timezone: "UTC", Endpoint: "https://glase.example.com/x"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(o, nil)
		if s.Unattended(b) != nil {
			return
		}
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.parse(s.unwired(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		if err := s.same(text); err != nil {
			t.Error(err)
		}
	})
}

// lobby is a file of answers.
const lobby = `
[machine]
name = "Lobby"
token = "123456"
[glase]
client_id = "Bar AB"
merchant_id = "shop"
terminal_id = "t1"
password = "s3cret words"
[ups]
public_url = "https://kiosk.example.com/seqr"
[payment]
pin_timeout = "45s"
[journal]
path = "/srv/journal.db"
[gpio]
driver = "sim"
door = "GPIO26"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = 8
[slot.vend]
driver = "relay"
relay = "GPIO17"
drop = "GPIO27"
home = "GPIO4"
retry_turn = true
[[slot]]
id = "B1"
name = "Box"
price = "15.00"
stock = 1
[slot.vend]
driver = "lock"
lock = 3
[lock_board]
device = "/dev/ttyUSB0"
`

// TestAFleetsMachinesAreSetUpFromAFile: what it says, what is offered where it says nothing, and any other key of the
// config; and what is missing, or leads nowhere, is said.
func TestAFleetsMachinesAreSetUpFromAFile(t *testing.T) {
	f := open(t, options(t))
	if err := f.Unattended([]byte(lobby)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(f.o.Path, drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	if c.Journal.Path != "/srv/journal.db" || c.Payment.PINTimeout.Seconds() != 45 || len(c.Slots) != 2 ||
		c.Slots[1].Vend.Board() != "lock_board" || c.GPIO.Door != "GPIO26" {
		t.Errorf("%+v", c)
	}
	b, _ := os.ReadFile(f.o.Path)
	if !strings.Contains(string(b), "retry_turn = true") || strings.Contains(string(b), "s3cret") {
		t.Errorf("%s", b)
	}
	for change, want := range map[[2]string]string{
		{"[payment]", "[fleet]\nservers = [\"tls://127.0.0.1:4222\"]\nsize = 9\n[payment]"}: "",
		{`public_url = "https://kiosk.example.com/seqr"`, "public_url = \"https://kiosk.example.com/seqr\"\n" +
			"allow = [\"203.0.113.0/24\", '127.0.0.1']"}: "",
		{"[payment]", "[keypad]\nrows = [1, 2]\n[payment]"}:     "keypad.rows",
		{"[payment]", "[machine2]\nx = 2024-01-01\n[payment]"}:  "machine2.x",
		{`client_id = "Bar AB"`, ""}:                            "glase.client_id is missing",
		{`password = "s3cret words"`, ""}:                       "glase.password is missing",
		{`price = "15.00"`, `price = "15,00"`}:                  "slot.1.price",
		{`stock = 8`, `stock = "8"`}:                            "",
		{`door = "GPIO26"`, "doors = \"GPIO26\""}:               "gpio.doors",
		{`[journal]`, "[glase.extra]\nx = 1\n[journal]"}:        "extra",
		{`password = "s3cret words"`, `password_file = "none"`}: "glase.password",
	} {
		f := open(t, options(t))
		text := strings.Replace(lobby, change[0], change[1], 1)
		if strings.Contains(text, "[fleet]") { // whose gateways are called
			text = strings.Replace(text, "kiosk.example.com/seqr", "kiosk.example.com/k/123456", 1)
		}
		err := f.Unattended([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", change[1], err, want)
		}
	}
}

// TestTheAnswersInTheDocsAreTaken as they stand there.
func TestTheAnswersInTheDocsAreTaken(t *testing.T) {
	b, err := os.ReadFile("../../docs/setup.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "```toml\n")
	text, _, ok := strings.Cut(text, "```")
	f := open(t, options(t))
	if err := f.Unattended([]byte(text)); err != nil || !ok {
		t.Fatalf("%v\n%s", err, text)
	}
	if _, err := f.Finish(); err != nil {
		t.Error(err)
	}
}
