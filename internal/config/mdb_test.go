package config

import (
	"strings"
	"testing"
	"time"

	"kioskd/hw/vend/mdb"
)

// atMachine is the minimal config of a machine that sells two products by itself.
var atMachine = minimal[:strings.Index(minimal, "[[slot]]")] + `[mdb]
device = "/dev/ttyACM0"
[[slot]]
id = "A1"
name = "Coffee"
price = "15.00"
stock = 500
[slot.vend]
driver = "mdb"
product = 10
[[slot]]
id = "A2"
name = "Tea"
price = "12.00"
stock = 500
[slot.vend]
driver = "mdb"
product = 0
`

func TestAMachineThatSellsByItselfNeedsNoPins(t *testing.T) {
	c := mustParse(t, atMachine)
	if c.Boards["mdb"] != (mdb.Settings{Device: "/dev/ttyACM0", Baud: 115200, Deny: "stop", Longest: time.Minute}) ||
		c.Slots[0].Vend != (mdb.Config{Product: 10}) || c.Slots[1].Vend != (mdb.Config{}) {
		t.Errorf("%+v %+v", c.Boards, c.Slots)
	}
}

func TestEveryProductOfAMachineIsOneSlots(t *testing.T) {
	want := "k.toml:33: slot.vend.product: 10 is slot.vend.product in line 25 already: the machine has one product " +
		"for each number"
	if got := problems(strings.Replace(atMachine, "product = 0", "product = 10", 1)); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestAMachineThatSellsByItselfNeedsAReservation(t *testing.T) {
	got := problems(strings.Replace(atMachine, "reserve_max", "flow = \"invoice\"\nreserve_max", 1))
	if !strings.HasSuffix(got,
		`slot: A1 has driver "mdb", with which the customer chooses after the payment is reserved: write payment.flow = "reservation"`) || strings.Contains(got, "\n") {
		t.Errorf("got\n%s", got)
	}
}
