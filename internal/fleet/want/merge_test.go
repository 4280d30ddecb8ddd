package want

import (
	"reflect"
	"testing"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/fleet/protocol"
)

// machine has two products, one with an EAN.
const machine = `[machine]
name = "Bar"
token = "K1"
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
ean = "7310070000017"
stock = 5
max_on = "3s"
vend = { driver = "relay", relay = "GPIO17", drop = "GPIO27" }
[[slot]]
id = "A2"
name = "Juice"
price = "22.50"
stock = 5
max_on = "3s"
vend = { driver = "relay", relay = "GPIO22", drop = "GPIO23" }
`

func parsed(t *testing.T) config.Config {
	t.Helper()
	cfg, err := config.Parse("k.toml", []byte(machine), "", drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func wanted(t *testing.T, text string) protocol.Want {
	t.Helper()
	w, err := protocol.ReadWant([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestTheMachinesOwnWishGoesFirst, then its group's, then everybody's, field by field; and a slot before its EAN.
func TestTheMachinesOwnWishGoesFirst(t *testing.T) {
	plan := func(what string) string {
		return `{"version":1,"group":"nord","plans":[{"version":1,"by":"a",` + what + `}]}`
	}
	for name, c := range map[string]struct {
		machine, group, all string
		want                map[string]string // slot → name, price, vat, EAN
	}{
		"nobody": {"", "", "", map[string]string{"A1": "Water 15.00 0 7310070000017", "A2": "Juice 22.50 0 "}},
		"all, by EAN": {"", "", plan(`"products":{"7310070000017":{"price":"16.00"},"11111111":{"price":"1.00"}}`),
			map[string]string{"A1": "Water 16.00 0 7310070000017", "A2": "Juice 22.50 0 "}},
		"the group before all": {"", plan(`"slots":{"A1":{"price":"17.00"},"B9":{"price":"1.00"}}`),
			plan(`"slots":{"A1":{"price":"16.00","name":"Tea"}}`),
			map[string]string{"A1": "Tea 17.00 0 7310070000017", "A2": "Juice 22.50 0 "}},
		"the machine before its group": {plan(`"slots":{"A1":{"price":"18.00","vat":12}}`),
			plan(`"slots":{"A1":{"price":"17.00","vat":25}}`), plan(`"slots":{"A1":{"name":"Tea"}}`),
			map[string]string{"A1": "Tea 18.00 12 7310070000017", "A2": "Juice 22.50 0 "}},
		"a group's EAN before everybody's slot": {"", plan(`"products":{"7310070000017":{"price":"17.00"}}`),
			plan(`"slots":{"A1":{"price":"16.00"}}`),
			map[string]string{"A1": "Water 17.00 0 7310070000017", "A2": "Juice 22.50 0 "}},
		"a slot before its EAN": {"", "",
			plan(`"slots":{"A1":{"price":"16.00"}},"products":{"7310070000017":{"price":"19.00"}}`),
			map[string]string{"A1": "Water 16.00 0 7310070000017", "A2": "Juice 22.50 0 "}},
		"another product, by its own EAN": {plan(`"slots":{"A2":{"name":"Cola","ean":"22222222"}}`), "",
			plan(`"products":{"22222222":{"price":"9.00"}}`),
			map[string]string{"A1": "Water 15.00 0 7310070000017", "A2": "Cola 9.00 0 22222222"}},
		"no EAN any more": {plan(`"slots":{"A1":{"ean":""}}`), "",
			plan(`"products":{"7310070000017":{"price":"9.00"}}`),
			map[string]string{"A1": "Water 15.00 0 ", "A2": "Juice 22.50 0 "}},
	} {
		cfg := parsed(t)
		h, _ := wishes{machine: wanted(t, c.machine), group: wanted(t, c.group), all: wanted(t,
			c.all)}.holding(time.Now())
		products := h.products(cfg)
		changed, err := cfg.Relabel(products, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]string{}
		for _, s := range changed.Slots {
			vat := "0"
			if s.VAT != nil {
				vat = map[int]string{12: "12", 25: "25"}[*s.VAT]
			}
			got[s.ID] = s.Name + " " + s.Price.Decimal() + " " + vat + " " + s.EAN
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if (len(labels(changed, products)) == 0) != reflect.DeepEqual(changed.Slots, cfg.Slots) {
			t.Errorf("%s: the labels are %+v", name, labels(changed, products))
		}
	}
}

func TestAVersionSaysWhichPlansHold(t *testing.T) {
	w := wishes{machine: wanted(t, `{"version":9,"group":"nord","plans":[{"version":7,"by":"anna"}]}`),
		all: wanted(t, `{"version":2,"plans":[{"version":2,"by":"bo"}]}`)}
	h, _ := w.holding(time.Now())
	if h.version() != "machine 7, all 2" || h.by() != "anna, bo" {
		t.Errorf("%q by %q", h.version(), h.by())
	}
	w.group = wanted(t, `{"version":3,"plans":[{"version":3,"by":"anna"}]}`)
	h, _ = w.holding(time.Now())
	if v := h.version(); v != "machine 7, group nord 3, all 2" || h.by() != "anna, bo" || !mentions(v, "group nord") ||
		mentions(v, "group no") || mentions(v, "chine") {
		t.Errorf("%q by %q", h.version(), h.by())
	}
	if !same("machine 7, all 2", "machine 7, group nord 3") || same("machine 7", "machine 8") || same("all 7",
		"machine 7") ||
		!same("all 1", "group a 2, all 1") {
		t.Error("the machine's own plan is not told from another")
	}
}

// TestWhatTheServersHaveLostIsNotWithdrawn: they are transport, and the desk writes it anew.
func TestWhatTheServersHaveLostIsNotWithdrawn(t *testing.T) {
	in := func(group string) protocol.Want { return protocol.Want{Version: 1, Group: group} }
	for _, c := range []struct {
		version string
		w       wishes
		gone    bool
	}{
		{"machine 7", wishes{}, true},
		{"machine 7", wishes{has: [3]bool{true, false, false}}, false},
		{"machine 7, all 2", wishes{has: [3]bool{true, false, false}}, true},
		{"group nord 3", wishes{machine: in("nord"), has: [3]bool{true, false, true}}, true},
		{"group nord 3", wishes{machine: in("syd"), has: [3]bool{true, false, true}}, false},
		{"group nord 3", wishes{machine: in(""), has: [3]bool{true, false, true}}, false},
		{"group nord 3", wishes{has: [3]bool{false, false, true}}, true},
		{"", wishes{}, false}, {"nothing", wishes{}, false},
	} {
		if got := c.w.gone(c.version); (got != "") != c.gone {
			t.Errorf("%q with %+v: %q", c.version, c.w.has, got)
		}
	}
}
