package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/drivers"
)

// minimal has every key that is needed and no other. Line numbers in the expectations count from its first line.
const minimal = `[machine]
name = "Bar"
token = "123456"
currency = "SEK"
[glase]
endpoint = "https://glase.example/soap"
merchant_id = "shop"
client_id = "Bar AB"
[ups]
listen = "127.0.0.1:8082"
public_url = "https://kiosk.example"
[payment]
reserve_max = "200.00"
[gpio]
driver = "sim"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = 5
max_on = "3s"
[slot.vend]
driver = "relay"
relay = "GPIO17"
drop = "GPIO27"
`

const secondSlot = `[[slot]]
id = "A2"
name = "Juice"
price = "22.50"
stock = 5
max_on = "3s"
[slot.vend]
driver = "relay"
relay = "GPIO22"
drop = "GPIO23"
`

// onePin makes the list of pins that are not wired the usual way, so that its keys are known.
const onePin = `[[pin]]
name = "GPIO27"
`

// edit replaces the one line of a config that is old.
func edit(t *testing.T, config, old, new string) string {
	t.Helper()
	if strings.Count("\n"+config, "\n"+old+"\n") != 1 {
		t.Fatalf("%q is not exactly one line of the config", old)
	}
	return strings.TrimPrefix(strings.Replace("\n"+config, "\n"+old+"\n", "\n"+new+"\n", 1), "\n")
}

// problems parses and answers what a person would read; "" when it loads.
func problems(config string) string {
	_, err := Parse("k.toml", []byte(config), "/etc/kioskd", drivers.All())
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestEveryMistakeSaysWhereItIsAndWhatToWriteInstead(t *testing.T) {
	if got := problems(minimal); got != "" {
		t.Fatalf("the minimal config does not load:\n%s", got)
	}
	b, err := os.ReadFile("testdata/problems.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n\n")[1:]
	for _, block := range blocks {
		var old string
		var instead, want []string
		for _, line := range strings.Split(block, "\n") {
			if rest, ok := strings.CutPrefix(line, "- "); ok {
				old = rest
			} else if rest, ok := strings.CutPrefix(line, "+ "); ok {
				instead = append(instead, rest)
			} else {
				want = append(want, line)
			}
		}
		if got := problems(edit(t, minimal, old, strings.Join(instead, "\n"))); got != strings.Join(want, "\n") {
			t.Errorf("%s\ngot:\n%s", block, got)
		}
	}
	if len(blocks) < 70 {
		t.Errorf("only %d blocks were read", len(blocks))
	}
}

func TestAFileThatIsNoConfigSaysSo(t *testing.T) {
	for _, c := range []struct{ what, content, want string }{
		{"empty", "", "k.toml: is empty: create it from the commented example: kioskd check --example > k.toml"},
		{"blank", " \n\r\n", "k.toml: is empty: create it from the commented example: kioskd check --example > k.toml"},
		{"a BOM", "\ufeff" + minimal,
			`k.toml:1: begins with a byte order mark: save the file as UTF-8 without one ("UTF-8", not "UTF-8 with BOM")`},
		{"Latin-1", strings.Replace(minimal, "Water", "Ros\xe9", 1),
			"k.toml:18: byte 0xe9 is not UTF-8: save the file as UTF-8"},
		{"UTF-16", "\xff\xfe[\x00m\x00", "k.toml:1: byte 0xff is not UTF-8: save the file as UTF-8"},
		{"huge", strings.Repeat("#", fileMax+1),
			"k.toml: larger than 1024 KiB, so this is not a config: name the right file with --config"},
		{"a key without a value", "[machine]\nname",
			"k.toml:2: not TOML (expected '=' after key); texts, amounts, durations and pins stand in double quotes: " +
				"key = \"value\""},
		{"comments only", "# later\n", `k.toml: machine.name: is missing: write name = "Lobby" under [machine]
k.toml: machine.currency: is missing: write currency = "SEK" under [machine]
k.toml: glase.endpoint: is missing: write endpoint = "https://extdev.seqr.com/soap/merchant/cashregister-2" under [glase]
k.toml: glase.client_id: is missing: the company's name: write client_id = "Bar AB" under [glase]
k.toml: ups.listen: is missing: write listen = "127.0.0.1:8082" under [ups]
k.toml: ups.public_url: is missing: how Glase reaches this machine: write public_url = "https://kiosk.example.com/seqr" under [ups]
k.toml: gpio.driver: is missing: write driver = "sim" under [gpio]
k.toml: slot: there is none: write a [[slot]] for each place that holds products
k.toml: machine.token: is missing: the machine's id in its QR, as agreed with Glase: write token = "123456" under [machine]
k.toml: glase.merchant_id: is missing: the merchant's id in the machine's QR: write merchant_id = "public_test_shop" under [glase]
k.toml: payment.reserve_max: is missing: the most that one customer may reserve: write reserve_max = "200.00" under [payment]`},
	} {
		if got := problems(c.content); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

func TestAFileThatCannotBeReadSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "kioskd.toml")
	for path, want := range map[string]string{
		missing: missing + ": does not exist: create it from the commented example: kioskd check --example > " +
			missing,
		dir: dir + ": is a folder: name the file in it, like " + filepath.Join(dir, "kioskd.toml"),
	} {
		_, err := Load(path, drivers.All())
		var all Errors
		if !errors.As(err, &all) || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	huge := filepath.Join(dir, "huge.toml")
	if err := os.WriteFile(huge, []byte(strings.Repeat("\n", 2*fileMax)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(huge, drivers.All()); err == nil || err.Error() != huge+
		": larger than 1024 KiB, so this is not a config: name the right file with --config" {
		t.Errorf("2 MiB: %v", err)
	}
}

func TestSlotsAreComparedWithEachOther(t *testing.T) {
	for _, c := range []struct{ what, content, want string }{
		{"one id twice", strings.Replace(secondSlot, "A2", "A1", 1),
			`k.toml:27: slot.id: "A1" is the id of the slot in line 17 already: every slot needs an id of its own`},
		{"a pin of another slot", strings.Replace(secondSlot, "GPIO22", "GPIO27", 1),
			`k.toml:34: slot.vend.relay: GPIO27 is slot.vend.drop in line 25 already: every wire needs a pin of its own`},
		{"a button on a motor", strings.Replace(secondSlot, "[slot.vend]", "button = \"GPIO17\"\n[slot.vend]", 1),
			`k.toml:32: slot.button: GPIO17 is slot.vend.relay in line 24 already: every wire needs a pin of its own`},
		{"inline", `[[slot]]
id = "A1"
vend = { driver = "relay", relay = "GPIO1", drop = "GPIO1" }`,
			`k.toml:26: slot.name: is missing: write name = "Still water"
k.toml:26: slot.price: is missing: write price = "15.00"
k.toml:26: slot.stock: is missing: how many are in it at the first start: write stock = 10
k.toml:26: slot.max_on: is missing: the longest that the motor may run for one product: write max_on = "3s"
k.toml:27: slot.id: "A1" is the id of the slot in line 17 already: every slot needs an id of its own
k.toml:28: slot.vend.drop: GPIO1 is slot.vend.relay in line 28 already: every wire needs a pin of its own`},
	} {
		if got := problems(minimal + c.content); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

func TestAMotorAndALockAreASlotsAlone(t *testing.T) {
	for driver, want := range map[string]string{
		"board": `k.toml:47: slot.vend.motor: 12 is in line 38 already: every slot needs a motor of its own`,
		"lock":  `k.toml:47: slot.vend.lock: 12 is in line 38 already: every slot needs a lock of its own`,
	} {
		key := map[string]string{"board": "motor", "lock": "lock"}[driver]
		slot := strings.NewReplacer(`driver = "relay"`, `driver = "`+driver+`"`, `relay = "GPIO22"`, key+` = 12`,
			`drop = "GPIO23"`+"\n", "").Replace(secondSlot)
		lines := "[board]\ndevice = \"a\"\n[lock_board]\ndevice = \"b\"\n"
		got := problems(minimal + lines + slot + strings.Replace(slot, "A2", "A3", 1))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", driver, got, want)
		}
	}
}

// TestASerialPortIsOneBoardsAlone: by the same text, the same pattern, or a pattern that fits the other's name.
func TestASerialPortIsOneBoardsAlone(t *testing.T) {
	const board, lockBoard, bus, tty = "[board]\ndevice = %q\n", "[lock_board]\ndevice = %q\n", "[mdb]\ndevice = %q\n",
		"[display]\ndriver = \"terminal\"\ndevice = %q\n"
	for _, c := range []struct{ first, a, second, b, want string }{
		{board, "/dev/ttyUSB0", lockBoard, "/dev/ttyUSB0",
			`lock_board.device: "/dev/ttyUSB0" is board.device in line 27 already: every board needs a port of its own (ls -l /dev/serial/by-id)`},
		{board, "/dev/ttyUSB*", lockBoard, "/dev/ttyUSB*", `lock_board.device: "/dev/ttyUSB*" is board.device`},
		{board, "/dev/ttyUSB*", lockBoard, "/dev/ttyUSB1", `lock_board.device: "/dev/ttyUSB1" is board.device`},
		{board, "/dev/ttyUSB1", bus, "/dev/tty*", `mdb.device: "/dev/tty*" is board.device`},
		{board, "/dev/serial/by-id/a", bus, "/dev/serial//by-id/../by-id/a",
			`mdb.device: "/dev/serial//by-id/../by-id/a" is board.device`},
		{lockBoard, "/dev/ttyACM0", bus, "/dev/ttyACM0", `mdb.device: "/dev/ttyACM0" is lock_board.device`},
		{tty, "/dev/ttyS0", bus, "/dev/ttyS0", `mdb.device: "/dev/ttyS0" is display.device`},
		{board, "/dev/ttyUSB0", lockBoard, "/dev/ttyUSB1", ""},
		{board, "/dev/serial/by-id/usb-FTDI*", lockBoard, "/dev/serial/by-id/usb-Prolific*", ""},
	} {
		got := problems(minimal + fmt.Sprintf(c.first+"\n"+c.second, c.a, c.b))
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s and %s: got %s\nwant %s", c.a, c.b, got, c.want)
		}
	}
}

func TestMoreSlotsThanFitAreRefused(t *testing.T) {
	want := "k.toml:89: slot: there are 65 slots, and at most 64 fit: leave out those from here on"
	if got := problems(minimal + strings.Repeat("[[slot]]\n", slotsMax)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestAFileOfAnotherKindDoesNotFloodTheScreen(t *testing.T) {
	lines := strings.Split(problems(minimal+strings.Repeat("[[slot]]\n", slotsMax-1)), "\n")
	if last := lines[len(lines)-1]; len(lines) != problemsMax+1 || last != "k.toml: and 215 more problems" {
		t.Errorf("%d lines, the last is %s", len(lines), last)
	}
}

func TestASecretInTheFileIsRefusedAndNotRepeated(t *testing.T) {
	for _, c := range [][2]string{
		{`client_id = "Bar AB"`, `password = "hunter2"`},
		{`client_id = "Bar AB"`, `reseller_password = "hunter2"`},
		{`client_id = "Bar AB"`, `password_file = ["hunter2"]`},
		{`client_id = "Bar AB"`, `passwrd = "hunter2"`},
		{`driver = "sim"`, "driver = \"sim\"\n[debug]\ntoken = \"hunter2\""},
		{`endpoint = "https://glase.example/soap"`, `endpoint = "https://me:hunter2@glase.example/soap"`},
		{`endpoint = "https://glase.example/soap"`, `endpoint = "https://me:hunter2%@glase.example/soap"`},
		{`public_url = "https://kiosk.example"`, `public_url = "https://me:hunter2@kiosk.example"`},
	} {
		got := problems(edit(t, minimal, c[0], c[1]))
		if got == "" || strings.Contains(got, "hunter2") {
			t.Errorf("%s → %s: %q", c[0], c[1], got)
		}
	}
}
