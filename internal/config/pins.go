package config

import (
	"time"

	"kioskd/hw/gpio/pinname"
)

// Pin is how a pin is wired where that is not the usual.
type Pin struct {
	Name      string        // as the part that uses it is configured, or another name of the same pin
	ActiveLow *bool         // nil is the usual: false for an output, true for an input
	Pull      string        // "up", "down", "none", or "" for the usual: an input's towards its idle level
	Debounce  time.Duration // of an input; 0 for none
}

// debounceMax is longer than any contact bounces; the kernel takes longer ones, and then a finger is no press.
const debounceMax = 100 * time.Millisecond

// pins reads every [[pin]]. It comes after all that names a pin.
func (t *table) pins() (all []Pin) {
	lines := map[string]int{}
	for _, t := range t.each("pin") {
		var p Pin
		t.need("name", `"GPIO17"`, "")
		t.text("name", &p.Name, isPin)
		low := false
		if t.flag("active_low", &low); t.has("active_low") {
			p.ActiveLow = &low
		}
		t.choice("pull", &p.Pull, []string{"up", "down", "none"})
		t.duration("debounce", &p.Debounce, 0, debounceMax)
		all = append(all, p)
		if p.Name == "" {
			continue
		}
		name, _ := pinname.Canonical(p.Name)
		if first, twice := lines[name]; twice {
			t.fail("name", "%s is described in line %d already: keep one of them", p.Name, first)
		} else if _, used := t.doc.wires[name]; !used {
			t.fail("name", "%s is used by nothing: write the name of a pin that something is wired to, or leave this "+
				"[[pin]] out", p.Name)
		}
		lines[name] = t.lineOf("name")
	}
	return all
}

// isPin is the rule of a pin.
func isPin(s string) string {
	if _, err := pinname.Canonical(s); err != nil {
		return err.Error()
	}
	return ""
}

// pin reads the name of a pin. A pin has several names, and whatever it is called, the config gives it to one thing
// only.
func (t *table) pin(key string, to *string) {
	t.text(key, to, isPin)
	if *to == "" {
		return
	}
	t.wire(key, *to)
}

// wire notes that a pin is used, which nothing else may under any of its names.
func (t *table) wire(key, pin string) {
	here := place{dotted(t.path, key), t.lineOf(key)}
	name, err := pinname.Canonical(pin)
	if err != nil {
		return
	}
	if first, used := t.doc.wires[name]; used {
		also := ""
		if name != pin {
			also = ", which is " + name + ","
		}
		t.fail(key, "%s%s is %s in line %d already: every wire needs a pin of its own", pin, also, first.key,
			first.line)
		return
	}
	t.doc.wires[name] = here
}
