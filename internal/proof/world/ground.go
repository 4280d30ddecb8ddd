package world

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/glase/glasetest"
	"kioskd/hw/vend/lock"
	"kioskd/hw/vend/relay"
	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/identity"
)

// Ground is what worlds stand on and none of them changes: the machine's config, and a folder with its identity. Many
// worlds may share one, also at the same time.
type Ground struct{ machines map[string]config.Config } // by flow

// NewGround makes one in a folder that must be there as long as it is used.
func NewGround(t *testing.T, dir string) *Ground {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(glasetest.TestTerminalPassword+"\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	g := &Ground{map[string]config.Config{}}
	for _, kind := range []string{"reservation", "sticker", "invoice", "web", "reservation, short"} {
		flow, life, pin := kind, "10m", "60s"
		if kind == "reservation, short" { // of which a slow customer sees the end
			flow, life, pin = "reservation", "2m", "95s"
		}
		cfg, err := config.Parse("sim.toml",
			[]byte(strings.NewReplacer("FLOW", flow, "LIFE", life, "PIN", pin, "STICKER", sticker, "STOCK",
				fmt.Sprint(stockFirst)).Replace(machine)), dir, drivers.All())
		if err != nil {
			t.Fatal(err)
		}
		g.machines[kind] = cfg
		g.machines[kind+otherParts] = refitted(cfg)
	}
	own := machine[:strings.Index(machine, "[[slot]]")] + atTheMachine
	cfg, err := config.Parse("sim.toml",
		[]byte(strings.NewReplacer("FLOW", "reservation", "LIFE", "10m", "PIN", "60s", "STICKER", sticker, "STOCK",
			fmt.Sprint(stockFirst)).Replace(own)), dir, drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	g.machines["reservation, mdb"] = cfg
	if err := identity.Save(filepath.Join(dir, "identity.json"), identity.New("")); err != nil {
		t.Fatal(err)
	}
	return g
}

// otherParts ends the name of a machine with a home switch at its first spiral, and a locker in place of its second.
const otherParts = ", other parts"

func refitted(cfg config.Config) config.Config {
	cfg.Slots = slices.Clone(cfg.Slots)
	spiral := cfg.Slots[0].Vend.(relay.Config)
	spiral.Home, spiral.RetryTurn = "GPIO4", true
	cfg.Slots[0].Vend = spiral
	cfg.Slots[1].MaxOn, cfg.Slots[1].Driver = 5*time.Second, "lock"
	cfg.Slots[1].Vend = lock.Config{Relay: "GPIO22", Opened: "GPIO23", Close: 3 * time.Second}
	return cfg
}

const machine = `
[machine]
name = "Simulated machine"
token = "123456"
currency = "SEK"
[glase]
endpoint = "http://127.0.0.1:1/soap/merchant/cashregister-2"
merchant_id = "public_test_shop"
terminal_id = "public_test_shop_terminal"
password_file = "password"
client_id = "Test AB"
reservation_timeout = "LIFE"
[ups]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1/seqr"
path_prefix = "/seqr"
[payment]
flow = "FLOW"
seqr_id = "STICKER"
reserve_max = "100.00"
pin_timeout = "PIN"
choose_timeout = "20s"
[journal]
path = "journal.db"
[debug]
listen = "127.0.0.1:1"
[gpio]
driver = "sim"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = STOCK
button = "GPIO5"
max_on = "2s"
[slot.vend]
driver = "relay"
relay = "GPIO17"
drop = "GPIO27"
[[slot]]
id = "A2"
name = "Cake"
price = "22.50"
stock = STOCK
button = "GPIO6"
max_on = "2s"
[slot.vend]
driver = "relay"
relay = "GPIO22"
drop = "GPIO23"
`

// atTheMachine are the slots of a machine on an MDB bus.
const atTheMachine = `
[mdb]
device = "/dev/ttyACM0"
longest = "20s"
[[slot]]
id = "A1"
name = "Water"
price = "15.00"
stock = STOCK
[slot.vend]
driver = "mdb"
product = 10
[[slot]]
id = "A2"
name = "Cake"
price = "22.50"
stock = STOCK
[slot.vend]
driver = "mdb"
product = 22
`
