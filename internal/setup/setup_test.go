package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
)

func options(t *testing.T) Options {
	return Options{Path: filepath.Join(t.TempDir(), "kioskd.toml"), Kinds: drivers.All(), UID: -1, GID: -1,
		Facts: Facts{Timezone: "Europe/Stockholm", Endpoint: "https://extdev.seqr.com/soap/merchant/cashregister-2"}}
}

func open(t *testing.T, o Options) *Files {
	t.Helper()
	f, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// answer answers everything, with what is offered where nothing is said. It gives the questions that were asked.
func answer(t *testing.T, f *Files, said map[string]string) (asked []string) {
	t.Helper()
	for {
		_, q, more := f.Next()
		if !more {
			return asked
		}
		asked = append(asked, q.Key)
		text, ok := said[q.Key]
		if !ok {
			text = q.Default
		}
		var err error
		if q.Form == Secret {
			err = f.Password(q.Key, text)
		} else {
			err = f.Answer(q.Key, text)
		}
		if err != nil {
			t.Fatalf("%s = %q: %v", q.Key, text, err)
		}
	}
}

func minimal() map[string]string {
	return map[string]string{
		"machine.name": `Lobby "1" \ # ö`, "glase.client_id": "Bar AB", "glase.terminal_id": "t1",
		"glase.password": "s3cret words",
		"machine.token":  "123456", "glase.merchant_id": "shop", "ups.public_url": "https://kiosk.example.com/seqr",
		"slot.1.id": "A1", "slot.1.name": "Water", "slot.1.price": "15.00", "slot.1.stock": "8",
	}
}

// TestAFreshMachineGetsACommentedConfigThatIsRight: with the answers in it, nothing of the example's own machine, and
// no password.
func TestAFreshMachineGetsACommentedConfigThatIsRight(t *testing.T) {
	f := open(t, options(t))
	answer(t, f, minimal())
	w, err := f.Finish()
	if err != nil || w.Backup != "" {
		t.Fatalf("%+v, %v", w, err)
	}
	b, err := os.ReadFile(f.o.Path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if strings.Contains(text, "s3cret") || strings.Contains(text, "public_test_shop_terminal\"\n") {
		t.Errorf("the file has what is not its own:\n%s", text)
	}
	for _, want := range []string{"# How to write values", `name = "Lobby \"1\" \\ # ö"`, "# customers read it on",
		"#door = \"GPIO26\"", "#[[pin]]", "behind_proxy = true", "drop = \"GPIO27\"", `path_prefix = "/seqr"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	c, err := config.Load(f.o.Path, drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Slots) != 1 || c.GPIO.Door != "" ||
		c.Machine.Name != minimal()["machine.name"] || c.Glase.TerminalID != "t1" || !c.UPS.BehindProxy {
		t.Errorf("%+v", c)
	}
	if p, err := config.ReadSecret(c.Glase.PasswordFile); err != nil || p != "s3cret words" {
		t.Errorf("the password is %q, %v", p, err)
	}
	if _, err := os.Stat(f.DraftFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft is still there: %v", err)
	}
}

// TestWhatTheOperatorWroteStays: single values change, each comment and each key that nobody asked for is where it was,
// and the old file is kept.
func TestWhatTheOperatorWroteStays(t *testing.T) {
	o := options(t)
	old := strings.Replace(config.Example, "[display]\n", "# ours: bought in 2024\n[display]\n", 1)
	old = strings.Replace(old, "[fleet]\n", "[fleet]\nservers = [\"tls://127.0.0.1:4222\"]\n", 1)
	if err := os.WriteFile(o.Path, []byte(old), 0o640); err != nil {
		t.Fatal(err)
	}
	f := open(t, o)
	if f.Note != "" {
		t.Fatal(f.Note)
	}
	answer(t, f, map[string]string{"machine.name": "Hall", "glase.password": "12345678", "slot.2.price": "23.00"})
	w, err := f.Finish()
	if err != nil {
		t.Fatal(err)
	}
	now, _ := os.ReadFile(o.Path)
	kept, _ := os.ReadFile(w.Backup)
	if string(kept) != old || !strings.HasSuffix(w.Backup, ".bak-1") {
		t.Errorf("%s is not the old file", w.Backup)
	}
	var changed []string
	for _, c := range w.Changes {
		changed = append(changed, strings.Join(strings.Fields(c), " "))
	}
	want := `- name = "Lobby" # customers read it on the display and in the app|` +
		`+ name = "Hall" # customers read it on the display and in the app|` +
		`- price = "22.50"|+ price = "23.00"`
	if got := strings.Join(changed, "|"); got != want {
		t.Errorf("changed:\n%s\nwant\n%s", got, want)
	}
	if info, _ := os.Stat(o.Path); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	if _, err := config.Parse("x", now, "/", drivers.All()); err != nil {
		t.Error(err)
	}
}

// TestOneSlotLessIsNotLost: its lines stay, out of force.
func TestOneSlotLessIsNotLost(t *testing.T) {
	o := options(t)
	if err := os.WriteFile(o.Path, []byte(config.Example), 0o644); err != nil {
		t.Fatal(err)
	}
	f := open(t, o)
	answer(t, f, map[string]string{"glase.password": "12345678", "slots": "2", "slot.2.kind": "lock",
		"slot.2.vend.opened": "GPIO4", "slot.2.max_on": "9s"})
	if _, err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(o.Path, drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(o.Path)
	if len(c.Slots) != 2 || c.Slots[1].Driver != "lock" || !strings.Contains(string(b), `#name = "Lunch box"`) ||
		!strings.Contains(string(b), `#drop = "GPIO23"`) {
		t.Errorf("%+v\n%s", c.Slots, b)
	}
}

// TestAFileThatCannotBeEditedIsSetAside and not spoilt.
func TestAFileThatCannotBeEditedIsSetAside(t *testing.T) {
	for _, old := range []string{"", "\x00\xff rubbish", "[machine]\nname = \"\"\"Lob\\\nby\"\"\"\n",
		"machine = { name = \"Hall\", currency = \"SEK\" }\n", "slot = [ { id = \"A1\", vend = { driver = \"relay\" } } ]\n"} {
		o := options(t)
		if err := os.WriteFile(o.Path, []byte(old), 0o644); err != nil {
			t.Fatal(err)
		}
		f := open(t, o)
		if f.Note == "" && old != "" {
			t.Errorf("nothing is said of %q", old)
		}
		answer(t, f, minimal())
		w, err := f.Finish()
		if err != nil {
			t.Errorf("%q: %v", old, err)
			continue
		}
		if kept, err := os.ReadFile(w.Backup); err != nil || string(kept) != old {
			t.Errorf("%q is lost: %q, %v", old, kept, err)
		}
		if _, err := config.Load(o.Path, drivers.All()); err != nil {
			t.Error(err)
		}
		f.Close()
	}
}

// TestAnAnswerIsJudgedAtOnce by the config room, in words that name the answer and no line of a file that nobody sees.
func TestAnAnswerIsJudgedAtOnce(t *testing.T) {
	f := open(t, options(t))
	said := minimal()
	said["slots"] = "2"
	for {
		_, q, more := f.Next()
		if !more {
			break
		}
		for _, bad := range map[string][]string{
			"machine.language": {"tlh", ""}, "machine.name": {"", strings.Repeat("x", 61), "a\nb", "\xff"},
			"machine.currency": {"kronor"}, "machine.timezone": {"Local", "Mars"},
			"glase.endpoint":    {"http://example.com/"},
			"glase.terminal_id": {"a b"}, "payment.reserve_max": {"1e2", "0", "12,5"},
			"slots":          {"0", "65", "x", "1.5", "007"},
			"ups.public_url": {"http://kiosk.example.com/seqr", "https://x/createPurchase"},
			"slot.1.price":   {"free", "500.00"}, "slot.1.stock": {"-1", "10001"}, "slot.1.kind": {"magic"},
			"slot.1.vend.relay": {"17", "GPIO99"}, "slot.1.vend.drop": {"GPIO17", "P1_11"},
			"slot.1.max_on": {"1h", "3"},
			"slot.2.id":     {"A1"}, "slot.2.vend.relay": {"GPIO27"}, "display.driver": {"hologram"},
		}[q.Key] {
			err := f.Answer(q.Key, bad)
			if err == nil {
				t.Errorf("%s = %q was taken", q.Key, bad)
			} else if inLine.MatchString(err.Error()) {
				t.Errorf("%s = %q: %v", q.Key, bad, err)
			}
			if f.has(q.Key) {
				t.Fatalf("%s has an answer", q.Key)
			}
		}
		text, ok := said[q.Key]
		if !ok {
			text = q.Default
		}
		if q.Key == "slot.2.name" {
			text = "Juice"
		}
		if q.Form == Secret {
			for _, bad := range []string{"", "a\nb", "\x00", strings.Repeat("x", 5000), "\xff"} {
				if err := f.Password(q.Key, bad); err == nil || len(bad) > 1 && strings.Contains(err.Error(), bad) {
					t.Errorf("%q: %v", bad, err)
				}
			}
			if err := f.Password(q.Key, text); err != nil {
				t.Fatal(err)
			}
		} else if err := f.Answer(q.Key, text); err != nil {
			t.Fatalf("%s = %q: %v", q.Key, text, err)
		}
	}
	if err := f.Answer("nobody.asks", "x"); !errors.Is(err, ErrNoQuestion) {
		t.Error(err)
	}
	if _, err := f.Finish(); err != nil {
		t.Error(err)
	}
}

// TestAPowerCutCostsNoAnswer: at any moment the next setup goes on where the last one was, and the config is the old or
// the new one.
func TestAPowerCutCostsNoAnswer(t *testing.T) {
	o := options(t)
	said := minimal()
	for n := 0; ; n++ {
		f, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if f.Resumed != n {
			t.Fatalf("%d answers are kept of %d", f.Resumed, n)
		}
		if b, err := os.ReadFile(f.DraftFile()); err == nil && strings.Contains(string(b), "s3cret") {
			t.Fatal("a password is in the draft")
		}
		_, q, more := f.Next()
		if !more {
			if _, err := f.Finish(); err != nil {
				t.Fatal(err)
			}
			f.Close()
			break
		}
		text := said[q.Key]
		if text == "" {
			text = q.Default
		}
		if q.Form == Secret {
			err = f.Password(q.Key, text)
		} else {
			err = f.Answer(q.Key, text)
		}
		if err != nil {
			t.Fatalf("%s: %v", q.Key, err)
		}
		f.Close() // all that a killed process does
	}
	if _, err := config.Load(o.Path, drivers.All()); err != nil {
		t.Error(err)
	}
}

// TestTheLargestMachineIsSetUpToo: 64 slots, and what was answered is there again.
func TestTheLargestMachineIsSetUpToo(t *testing.T) {
	said := minimal()
	said["slots"] = "64"
	said["slot.1.kind"], said["slot.1.vend.motor"], said["board.device"] = "board", "1", "/dev/ttyUSB0"
	for n := 2; n <= 64; n++ {
		said[fmt.Sprint("slot.", n, ".name")] = "Water"
	}
	o := options(t)
	f := open(t, o)
	asked := answer(t, f, said)
	f.Close()
	f = open(t, o)
	if f.Resumed != len(asked) {
		t.Errorf("%d answers are there again of %d", f.Resumed, len(asked))
	}
	if _, err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(o.Path, drivers.All())
	if err != nil || len(c.Slots) != 64 || c.Slots[63].ID != "H1" {
		t.Errorf("%d slots, %v", len(c.Slots), err)
	}
}

// TestADraftThatSomebodySpoiltIsNotTaken and says which file it is.
func TestADraftThatSomebodySpoiltIsNotTaken(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"rubbish":  func(p string) error { return os.WriteFile(p, []byte("{"), 0o600) },
		"version":  func(p string) error { return os.WriteFile(p, []byte(`{"version":9}`), 0o600) },
		"a folder": func(p string) error { return os.Mkdir(p, 0o700) },
		"others'": func(p string) error {
			return errors.Join(os.WriteFile(p, []byte(`{"version":1}`), 0o600), os.Chmod(p, 0o666))
		},
		"too large": func(p string) error { return os.WriteFile(p, make([]byte, fileMax+1), 0o600) },
	} {
		o := options(t)
		if err := spoil(o.Path + ".draft"); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), o.Path+".draft") {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := options(t)
	first := open(t, o)
	if _, err := Open(o); !errors.Is(err, ErrAnother) {
		t.Errorf("two at a time: %v", err)
	}
	first.Close()
	open(t, o)
}

// TestAnyAnswersThatAreTakenAreSaidBack: whatever is typed, what is taken makes a file that the config room takes, and
// that says the same.
func TestAnyAnswersThatAreTakenAreSaidBack(t *testing.T) {
	bits := []string{"A1", "B2", "Lobby", "Ä ö 水", `a "b" \c`, "# no comment", "'", "15.00", "200.00", "9", "0", "12", "GPIO4",
		"GPIO17", "P1_11", "GPIO27", "3s", "20s", "500ms", "sv", "SEK", "EUR", "https://k.example.com/seqr",
		"http://127.0.0.1:8082/seqr", "127.0.0.1:8082", ":8443", "/dev/fb0", "/dev/ttyUSB0", "ABC123",
		"[slot]", "x = 1",
		"= ", "\\", "180", "/etc/kioskd/a b.pem", "{", "no", "", " "}
	for seed := range uint64(9) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := options(t)
		if seed%3 == 0 {
			if err := os.WriteFile(o.Path, []byte(config.Example), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f := open(t, o)
		tries := 0
		for steps := 0; ; steps++ {
			if steps > 3000 {
				t.Fatalf("seed=%d: no end: %v", seed, f.answers)
			}
			_, q, more := f.Next()
			if !more {
				break
			}
			var text string
			switch n := r.IntN(6); {
			case q.Key == slotsKey:
				text = fmt.Sprint(1 + r.IntN(4))
			case len(q.Choices) > 0:
				text = q.Choices[r.IntN(len(q.Choices))].Word
			case n == 0 && q.Default != "":
				text = q.Default
			case tries > 40 && q.Form == Number:
				text = fmt.Sprint(r.IntN(300))
			case tries > 40 && strings.Contains(q.Key, ".id"):
				text = fmt.Sprint("X", r.IntN(1000))
			case tries > 40 && (strings.Contains(q.Key, "vend.") || strings.HasPrefix(q.Key, "display.")):
				text = fmt.Sprint("GPIO", r.IntN(54))
			case tries > 80 && strings.HasSuffix(q.Key, ".panel"):
				text = q.Default
			case tries > 80 && strings.Contains(q.Key, ".device"):
				text = fmt.Sprint("/dev/ttyS", r.IntN(1000))
			default:
				text = bits[r.IntN(len(bits))]
				if r.IntN(3) == 0 {
					text += bits[r.IntN(len(bits))]
				}
			}
			if tries++; tries > 1000 {
				t.Fatalf("seed=%d: nothing is taken for %s; the last was %q", seed, q.Key, text)
			}
			var err error
			if q.Form == Secret {
				err = f.Setup.Password(q.Key, text)
			} else {
				err = f.Setup.Answer(q.Key, text)
			}
			if err == nil {
				tries = 0
			} else if tries%50 == 49 { // a person would go back
				f.Back()
			}
		}
		if _, err := f.Finish(); err != nil {
			t.Errorf("seed=%d: %v", seed, err)
			continue
		}
		b, _ := os.ReadFile(o.Path)
		if _, err := config.Load(o.Path, drivers.All()); err != nil {
			t.Errorf("seed=%d: %v\n%s", seed, err, b)
		}
		if err := f.same(string(b)); err != nil {
			t.Errorf("seed=%d: %v", seed, err)
		}
		f.Close()
	}
}

// TestAFinishThatFailsLeavesTheOldConfig, and the answers: what stands in the way can be taken away, and it goes on.
func TestAFinishThatFailsLeavesTheOldConfig(t *testing.T) {
	o := options(t)
	if err := os.WriteFile(o.Path, []byte(config.Example), 0o644); err != nil {
		t.Fatal(err)
	}
	f := open(t, o)
	said := minimal()
	said["slots"] = "1"
	answer(t, f, said)
	way := filepath.Join(filepath.Dir(o.Path), "glase.password", "x")
	if err := os.MkdirAll(way, 0o755); err != nil {
		t.Fatal(err)
	}
	if w, err := f.Finish(); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("%+v, %v", w, err)
	}
	if b, _ := os.ReadFile(o.Path); string(b) != config.Example {
		t.Error("the config is another one")
	}
	if err := os.RemoveAll(filepath.Dir(way)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f = open(t, o)
	if _, _, more := f.Next(); more {
		t.Error("answers are lost")
	}
	w, err := f.Finish()
	if kept, _ := os.ReadFile(w.Backup); err != nil || string(kept) != config.Example {
		t.Errorf("%+v, %v", w, err)
	}
	f.Close()
	again := open(t, o)
	answer(t, again, nil) // what the file says is what is offered
	if w, err := again.Finish(); err != nil || w.Backup != "" {
		t.Errorf("nothing new, and %+v, %v", w, err)
	}
}

// TestAMachineThatHasMadeItsTerminalKeepsIt unless somebody wants another one.
func TestAMachineThatHasMadeItsTerminalKeepsIt(t *testing.T) {
	o := options(t)
	o.Facts.Registered = true
	f := open(t, o)
	asked := strings.Join(answer(t, f, minimal()), " ")
	if v, _ := f.given("glase.account"); v != Own || strings.Contains(asked, "password") {
		t.Errorf("account %q, asked %s", v, asked)
	}
	if _, err := f.Finish(); err != nil {
		t.Error(err)
	}
}

// TestAnotherKindOfSlotIsTakenAlsoTheSecondTime: what belongs to the kind that the file has goes out of force, however
// often the answer is given.
func TestAnotherKindOfSlotIsTakenAlsoTheSecondTime(t *testing.T) {
	o := options(t)
	if err := os.WriteFile(o.Path, []byte(config.Example), 0o644); err != nil {
		t.Fatal(err)
	}
	f := open(t, o)
	for {
		_, q, _ := f.Next()
		if q.Key == "slot.1.vend.opened" {
			break
		}
		text := q.Default
		if q.Key == "slot.1.kind" {
			text = "lock"
		}
		if q.Form == Secret {
			if err := f.Password(q.Key, "12345678"); err != nil {
				t.Fatal(err)
			}
		} else if err := f.Answer(q.Key, text); err != nil {
			t.Fatal(err)
		}
	}
	for f.Back() != "slot.1.kind" {
	}
	if err := f.Answer("slot.1.kind", "lock"); err != nil {
		t.Error(err)
	}
	f.Close()
	f = open(t, o) // and from the draft
	f.Back()
	if err := f.Answer("slot.1.kind", "lock"); err != nil {
		t.Error(err)
	}
	answer(t, f, map[string]string{"slot.1.vend.opened": "GPIO4"})
	w, err := f.Finish()
	if err != nil || !strings.Contains(strings.Join(w.Changes, "\n"), "+ #[[pin]]\n+ #name = \"GPIO27\"") {
		t.Errorf("a [[pin]] that nothing is wired to any more: %v\n%s", err, strings.Join(w.Changes, "\n"))
	}
}
