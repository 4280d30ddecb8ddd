package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kioskd/internal/drivers"
)

// TestADesksProductsAreHeldAgainstTheRulesOfAFile: what kioskd check would refuse in a file, nobody can send either,
// and
// it is said in the same words.
func TestADesksProductsAreHeldAgainstTheRulesOfAFile(t *testing.T) {
	c, err := Parse("k.toml", []byte(minimal), "", drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	text, number := func(s string) *string { return &s }, func(n int) *int { return &n }
	for _, p := range []Product{
		{Price: text("0.00")}, {Price: text("-1.00")}, {Price: text("15,00")}, {Price: text("15.005")},
		{Price: text("1e2")}, {Price: text("200.01")}, {Name: text("")}, {Name: text(" Water")},
		{Name: text(strings.Repeat("x", nameMax+1))}, {Name: text("a\nb")}, {VAT: number(101)}, {VAT: number(-1)},
		{EAN: text("12")}, {EAN: text("abcdefgh")}, {Stock: number(-1)}, {Stock: number(10001)},
	} {
		var file string
		for key, v := range p.values() {
			line := fmt.Sprintf("%s = %#v", key, v)
			file = minimal + secondSlot
			for _, old := range []string{"name = \"Juice\"", "price = \"22.50\"", "stock = 5"} {
				if strings.HasPrefix(old, key) {
					at := strings.LastIndex(file, old)
					file = file[:at] + file[at+len(old):]
				}
			}
			file = strings.Replace(file, "id = \"A2\"\n", "id = \"A2\"\n"+line+"\n", 1)
		}
		_, byFile := Parse("k.toml", []byte(file), "", drivers.All())
		got, err := c.Relabel(map[string]Product{"A1": p}, nil)
		var desk, asked Errors
		if !errors.As(err, &desk) || !errors.As(byFile, &asked) || len(desk) != 1 || len(asked) != 1 ||
			desk[0].Message != asked[0].Message || desk[0].Key != strings.Replace(asked[0].Key, "slot", "A1", 1) {
			t.Errorf("%+v: %v, and a file is told %v", p.values(), err, byFile)
		}
		if !reflect.DeepEqual(got, c) {
			t.Errorf("%+v: the config changed", p.values())
		}
	}
}

func TestADesksProductsTakeTheFilesPlace(t *testing.T) {
	c, err := Parse("k.toml", []byte(minimal+secondSlot), "", drivers.All())
	if err != nil {
		t.Fatal(err)
	}
	price, name, ean, none, vat := "17.00", "Tea", "7310070000017", "", 12
	got, err := c.Relabel(map[string]Product{"A1": {Price: &price, Name: &name, EAN: &ean, VAT: &vat}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := got.Slots[0]
	if s.Price.Decimal() != "17.00" || s.Name != "Tea" || s.EAN != ean || *s.VAT != 12 ||
		s.Stock != 5 || s.Driver != "relay" || !reflect.DeepEqual(got.Slots[1], c.Slots[1]) ||
		c.Slots[0].Name != "Water" {
		t.Errorf("%+v", got.Slots)
	}
	if got, err = got.Relabel(map[string]Product{"A1": {EAN: &none}}, nil); err != nil || got.Slots[0].EAN != "" ||
		got.Slots[0].Name != "Tea" {
		t.Errorf("%+v, %v", got.Slots, err)
	}
	machine := c
	machine.Slots = append([]Slot{}, c.Slots...)
	machine.Slots[1].AtMachine = true
	judge := func(_ Config, text string) string { return "cannot be drawn: " + text }
	_, err = machine.Relabel(map[string]Product{"A1": {Name: &name}, "A2": {Price: &price}, "Z9": {Price: &price}},
		judge)
	for _, want := range []string{"wanted: A1.name: cannot be drawn: Tea",
		"wanted: A2: its product is chosen at a machine",
		"wanted: Z9: there is no such slot"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
