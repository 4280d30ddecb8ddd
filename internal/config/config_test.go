package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/relay"
	"kioskd/internal/drivers"
	"kioskd/internal/money"
)

func mustParse(t *testing.T, content string) Config {
	t.Helper()
	c, err := Parse("k.toml", []byte(content), "/etc/kioskd", drivers.All())
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, content)
	}
	return c
}

// unsaid are the boards of a config that says nothing of them.
func unsaid() map[string]vend.Board {
	boards := map[string]vend.Board{}
	for _, k := range drivers.All() {
		if d := (&document{known: map[string][]string{}}); k.Section != "" {
			boards[k.Section] = k.Board(&view{table: d.table(nil, k.Section, nil, nil)}, "")
		}
	}
	return boards
}

func TestTheMinimalConfigHasTheDefaults(t *testing.T) {
	kronor := func(n int64) money.Amount { return money.Amount{Minor: n * 100, Currency: "SEK"} }
	want := Config{
		Machine: Machine{Name: "Bar", Token: "123456", Language: "en", Currency: "SEK", Timezone: time.UTC},
		Glase: Glase{Endpoint: "https://glase.example/soap", MerchantID: "shop", ClientID: "Bar AB",
			Timeout: 3 * time.Second, ReservationTimeout: 10 * time.Minute, ResellerUser: "9900"},
		UPS: UPS{Listen: "127.0.0.1:8082", PublicURL: "https://kiosk.example"},
		Payment: Payment{Flow: Reservation, ReserveMax: kronor(200), PINTimeout: time.Minute,
			ChooseTimeout: time.Minute},
		Journal: Journal{Path: "/var/lib/kioskd/journal.db"},
		Debug:   Debug{Listen: "127.0.0.1:8081", Socket: "/run/kioskd/debug.sock"},
		Display: Display{Driver: "none"},
		GPIO:    GPIO{Driver: "sim"},

		Boards: unsaid(),

		Slots: []Slot{{ID: "A1", Name: "Water", Price: kronor(15), Stock: 5, MaxOn: 3 * time.Second,
			Driver: "relay", Vend: relay.Config{Relay: "GPIO17", Drop: "GPIO27"}}},
		Temperature: Temperature{Min: -55, Hold: 15 * time.Minute},
		Printer:     Printer{Width: 32, CodePage: "cp1252"},
	}
	if got := mustParse(t, minimal); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryKeyReachesItsField(t *testing.T) {
	c := mustParse(t, `
[machine]
name = "Bar"
token = "A9"
language = "sv"
currency = "EUR"
timezone = "Europe/Stockholm"
support = "Ring 08-1"
[glase]
endpoint = "https://glase.example:8443/soap"
merchant_id = "shop"
terminal_id = "terminal"
password_file = "p/glase"
client_id = "Bar AB"
timeout = "250ms"
reservation_timeout = "2m30s"
reseller_id = "reseller"
reseller_user = "1"
reseller_password_file = "/p/reseller"
[ups]
listen = "[::1]:8082"
public_url = "https://kiosk.example/outside"
path_prefix = "/inside"
tls_cert = "u.crt"
tls_key = "u.key"
behind_proxy = true
allow = ["::1", "10.0.0.0/8"]
client_ca = "ca.pem"
[payment]
flow = "reservation"
seqr_id = "S1"
reserve_max = "1"
pin_timeout = "5s"
choose_timeout = "3s"
[journal]
path = "j.db"
[debug]
listen = ":8081"
socket = "d.sock"
token_file = "d.token"
tls_cert = "d.crt"
tls_key = "d.key"
[display]
driver = "terminal"
device = "tty1"
width = 320
height = 240
rotation = 270
address = 0x3d
panel = "waveshare2in13v2"
dc = "GPIO40"
reset = "GPIO41"
busy = "GPIO42"
[gpio]
driver = "sim"
device = "board.sock"
chip = "gpiochip0"
door = "GPIO0"
tilt = "GPIO1"
cancel = "GPIO2"
retry = "GPIO3"
service = "GPIO43"
[board]
device = "/dev/ttyUSB*"
baud = 9600
resends = 0
elevator = true
[lock_board]
device = "/dev/ttyS0"
baud = 115200
address = 15
open_bit = 0
status_bytes = 2
[mdb]
device = "/dev/ttyACM0"
baud = 9600
deny = "-1"
longest = "90s"
[[slot]]
id = "Z9"
name = "Öl"
price = "0.05"
stock = 0
vat = 0
ean = "12345678"
button = "GPIO4"
max_on = "50ms"
[slot.vend]
driver = "relay"
relay = "GPIO5"
drop = "GPIO53"
home = "GPIO6"
retry_turn = true
[[slot]]
id = "L1"
name = "Låda"
price = "1.00"
stock = 1
max_on = "20s"
perishable = true
[slot.vend]
driver = "lock"
relay = "GPIO7"
opened = "GPIO8"
pulse = "300ms"
close = "1m"
[[slot]]
id = "Z1"
name = "Motor"
price = "1.00"
stock = 1
max_on = "5s"
[slot.vend]
driver = "board"
motor = 65535
[[slot]]
id = "L9"
name = "Lock"
price = "1.00"
stock = 1
max_on = "5s"
[slot.vend]
driver = "lock"
lock = 16
[[slot]]
id = "9"
name = "Cup"
price = "1.00"
stock = 1
[slot.vend]
driver = "mdb"
product = 7
[keypad]
rows = ["GPIO9", "GPIO10"]
columns = ["GPIO11", "GPIO12", "P1_35"]
keys = ["1L*", "Z9#"]
clear = "*"
enter = "#"
[temperature]
sensor = "28-0316a2795caf"
max = 8
min = -0.5
hold = "10m"
[printer]
device = "/dev/serial0"
baud = 19200
width = 48
code_page = "cp865"
[fleet]
servers = ["tls://a.example:4222", "wss://b.example:443"]
credentials = "fleet.creds"
ca = "/etc/fleet.pem"
authority = "UALKRPTFUDNZBPD2R63COIFK6B5BA7FUFIQDY5OE22RXJ7OFT52XSW5Q"
size = 20000
[[pin]]
name = "P1_29"
active_low = true
pull = "none"
debounce = "2ms"
`)
	for section, want := range map[string]vend.Board{
		"board":      board.Settings{Device: "/dev/ttyUSB*", Baud: 9600, Resends: 0, Elevator: true},
		"lock_board": lockboard.Settings{Device: "/dev/ttyS0", Baud: 115200, Address: 15, OpenBit: 0, Bytes: 2},
		"mdb":        mdb.Settings{Device: "/dev/ttyACM0", Baud: 9600, Deny: "-1", Longest: 90 * time.Second},
	} {
		if c.Boards[section] != want {
			t.Errorf("[%s] is %+v, want %+v", section, c.Boards[section], want)
		}
	}
	c.Boards = nil
	got := fmt.Sprintf("%+v", c)
	if vat := c.Slots[0].VAT; vat == nil || *vat != 0 {
		t.Errorf("a VAT of 0 %% that is declared became %v", vat)
	}
	if low := c.Pins[0].ActiveLow; low == nil || !*low {
		t.Errorf("a pin that is active low became %v", low)
	}
	got = regexp.MustCompile(`(VAT|ActiveLow):0x[0-9a-f]+`).ReplaceAllString(got, "$1:set")
	const want = "{Machine:{Name:Bar Token:A9 Language:sv Currency:EUR Timezone:Europe/Stockholm Support:Ring 08-1} " +
		"Glase:{Endpoint:https://glase.example:8443/soap MerchantID:shop TerminalID:terminal " +
		"PasswordFile:/etc/kioskd/p/glase " +
		"ClientID:Bar AB Timeout:250ms ReservationTimeout:2m30s ResellerID:reseller ResellerUser:1 " +
		"ResellerPasswordFile:/p/reseller} " +
		"UPS:{Listen:[::1]:8082 PublicURL:https://kiosk.example/outside PathPrefix:/inside TLSCert:/etc/kioskd/u.crt " +
		"TLSKey:/etc/kioskd/u.key BehindProxy:true Allow:[::1/128 10.0.0.0/8] ClientCA:/etc/kioskd/ca.pem} " +
		"Payment:{Flow:reservation SeqrID:S1 ReserveMax:1.00 EUR PINTimeout:5s ChooseTimeout:3s} Shop:{Enabled:false} " +
		"Journal:{Path:/etc/kioskd/j.db} " +
		"Debug:{Listen::8081 Socket:/etc/kioskd/d.sock TokenFile:/etc/kioskd/d.token TLSCert:/etc/kioskd/d.crt " +
		"TLSKey:/etc/kioskd/d.key} " +
		"Display:{Driver:terminal Device:tty1 Width:320 Height:240 Rotation:270 Address:61 Panel:waveshare2in13v2 " +
		"DC:GPIO40 Reset:GPIO41 Busy:GPIO42} " +
		"GPIO:{Driver:sim Chip:gpiochip0 Device:/etc/kioskd/board.sock Door:GPIO0 Tilt:GPIO1 Cancel:GPIO2 " +
		"Retry:GPIO3 Service:GPIO43} Pins:[{Name:P1_29 ActiveLow:set Pull:none Debounce:2ms}] " +
		"Slots:[{ID:Z9 Name:Öl Price:0.05 EUR Stock:0 VAT:set EAN:12345678 Button:GPIO4 MaxOn:50ms " +
		"Driver:relay Vend:{Relay:GPIO5 Drop:GPIO53 Home:GPIO6 RetryTurn:true} AtMachine:false strays:[] " +
		"Perishable:false} " +
		"{ID:L1 Name:Låda Price:1.00 EUR Stock:1 VAT:<nil> EAN: Button: MaxOn:20s " +
		"Driver:lock Vend:{Relay:GPIO7 Opened:GPIO8 Pulse:300ms Close:1m0s} AtMachine:false strays:[] Perishable:true} " +
		"{ID:Z1 Name:Motor Price:1.00 EUR Stock:1 VAT:<nil> EAN: Button: MaxOn:5s " +
		"Driver:board Vend:{Motor:65535} AtMachine:false strays:[] Perishable:false} " +
		"{ID:L9 Name:Lock Price:1.00 EUR Stock:1 VAT:<nil> EAN: Button: MaxOn:5s " +
		"Driver:lock Vend:{Lock:16 Close:30s} AtMachine:false strays:[] Perishable:false} " +
		"{ID:9 Name:Cup Price:1.00 EUR Stock:1 VAT:<nil> EAN: Button: MaxOn:0s " +
		"Driver:mdb Vend:{Product:7} AtMachine:true strays:[] Perishable:false}] " +
		"Keypad:{Rows:[GPIO9 GPIO10] Columns:[GPIO11 GPIO12 P1_35] Keys:[1L* Z9#] Clear:* Enter:#} " +
		"Temperature:{Sensor:28-0316a2795caf Max:8 Min:-0.5 Hold:10m0s} " +
		"Printer:{Device:/dev/serial0 Baud:19200 Width:48 CodePage:cp865} " +
		"Fleet:{Servers:[tls://a.example:4222 wss://b.example:443] Credentials:/etc/kioskd/fleet.creds " +
		"CA:/etc/fleet.pem Authority:UALKRPTFUDNZBPD2R63COIFK6B5BA7FUFIQDY5OE22RXJ7OFT52XSW5Q Size:20000} " +
		"Boards:map[]}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStickerAndInvoiceDoWithoutAListener(t *testing.T) {
	for _, flow := range []string{Sticker, Invoice} {
		_, rest, _ := strings.Cut(minimal, "[payment]")
		c := mustParse(t, `[machine]
name = "Bar"
currency = "SEK"
[glase]
endpoint = "http://localhost:8080/soap"
client_id = "Bar AB"
[payment]
flow = "`+flow+`"
seqr_id = "S1"`+strings.Replace(rest, `reserve_max = "200.00"`, "", 1))
		if !reflect.DeepEqual(c.UPS, UPS{}) || c.Payment.Flow != flow {
			t.Errorf("%s: %+v", flow, c)
		}
	}
}

func TestLoadFindsFilesBesideTheConfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kioskd.toml")
	content := edit(t, minimal, `client_id = "Bar AB"`, "client_id = \"Bar AB\"\npassword_file = \"../glase.password\"")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, drivers.All())
	if want := filepath.Join(filepath.Dir(dir), "glase.password"); err != nil || c.Glase.PasswordFile != want {
		t.Errorf("%s, %v; want %s", c.Glase.PasswordFile, err, want)
	}
}

// documented is every row of the package doc's table: key and default.
func documented(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		if row, ok := strings.CutPrefix(line, "//\t"); ok && !strings.HasPrefix(row, "Key ") {
			fields := regexp.MustCompile(` {2,}`).Split(row, -1)
			if len(fields) != 3 {
				t.Fatalf("not three columns: %q", row)
			}
			rows[fields[0]] = fields[2]
		}
	}
	return rows
}

// keys is every key that Parse knows, written as in the table.
func keys(t *testing.T) []string {
	t.Helper()
	d := &document{file: "k.toml", known: map[string][]string{}, wires: map[string]place{}}
	c := Default()
	d.sections(d.open([]byte(minimal+onePin)), &c, drivers.All())
	var all []string
	for path, names := range d.known {
		for _, name := range names {
			if key := dotted(path, name); d.known[key] == nil {
				all = append(all, key)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestTheTableOfThePackageIsTheWholeFormat(t *testing.T) {
	rows := documented(t)
	known := keys(t)
	for _, key := range known {
		if _, ok := rows[key]; !ok {
			t.Errorf("%s is not in the table", key)
		}
	}
	if len(rows) != len(known) || len(rows) < 50 {
		t.Errorf("%d rows for %d keys", len(rows), len(known))
	}
}

func TestTheTablesDefaultsAreTheDefaults(t *testing.T) {
	want := mustParse(t, minimal)
	written := 0
	for key, value := range documented(t) {
		if value == "needed" || len(value) == 1 { // a letter: needed by something only
			continue
		}
		i := strings.LastIndex(key, ".")
		header, line := "["+key[:i]+"]", key[i+1:]+" = "+value
		content := minimal
		if strings.Contains(content, header) {
			content = edit(t, content, header, header+"\n"+line)
		} else {
			content = header + "\n" + line + "\n" + content
		}
		if got := mustParse(t, content); !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %s is not what leaving it out means:\n%+v\n%+v", key, value, got, want)
		}
		written++
	}
	if written < 14 {
		t.Errorf("only %d defaults were tried", written)
	}
}

func TestTheTablesNeededKeysAreNeeded(t *testing.T) {
	for key, value := range documented(t) {
		name := key[strings.LastIndex(key, ".")+1:]
		line := regexp.MustCompile(`(?m)^` + name + ` = .*\n`)
		section := "[" + key[:strings.LastIndex(key, ".")] + "]"
		before, after, found := strings.Cut(minimal, section)
		switch at := line.FindStringIndex(after); {
		case value == "needed" && !found, value == "R" && !found:
			t.Errorf("%s: the minimal config has no %s", key, section)
		case value != "needed" && value != "R":
		case at == nil:
			t.Errorf("%s: the minimal config has no %s", key, name)
		default:
			got := problems(before + section + after[:at[0]] + after[at[1]:])
			if !strings.Contains(got, ": "+key+": is missing") {
				t.Errorf("without %s: %q", key, got)
			}
		}
	}
}

func TestTheExampleLoads(t *testing.T) {
	c, err := Parse("example.toml", []byte(Example), "/etc/kioskd", drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	if c.GPIO.Driver != "sim" || !localListen(c.UPS.Listen) || !localListen(c.Debug.Listen) || len(c.Slots) < 2 {
		t.Errorf("the example is no simulated kiosk on this machine: %+v", c)
	}
}

// optional is a line of the example that sets an optional key when its # is taken away.
var optional = regexp.MustCompile(`(?m)^#([a-z_]+ = )`)

func TestEveryCommentedOutLineOfTheExampleLoadsToo(t *testing.T) {
	lines := optional.FindAllStringIndex(Example, -1)
	if len(lines) < 10 {
		t.Fatalf("only %d lines", len(lines))
	}
	if got := problems(optional.ReplaceAllString(Example, "$1")); got != "" {
		t.Errorf("with all of them:\n%s", got)
	}
}

func TestTheExampleShowsEveryKey(t *testing.T) {
	for _, key := range keys(t) {
		i := strings.LastIndex(key, ".")
		sections := append(strings.Split(Example, "\n["+key[:i]+"]\n")[1:],
			strings.Split(Example, "\n[["+key[:i]+"]]\n")[1:]...)
		if !slices.ContainsFunc(sections, func(section string) bool {
			section, _, _ = strings.Cut(section, "\n[")
			return regexp.MustCompile(`(?m)^(?:# *)?` + key[i+1:] + ` = `).MatchString(section)
		}) {
			t.Errorf("%s is not in the example", key)
		}
	}
}
