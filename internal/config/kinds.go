package config

import (
	"slices"
	"strings"
	"time"

	"kioskd/hw/vend"
	"kioskd/hw/wire"
)

// view is a table as a kind of slot reads it.
type view struct {
	*table
	asked []string // the keys that were
	aside bool     // it is the table of a slot of another kind: nothing is missing in it, and it takes no part
}

var _ vend.Table = (*view)(nil)

// ask notes a key, also one that is not there: it is then one that the table may have.
func (v *view) ask(key string) {
	v.asked = append(v.asked, key)
	v.get(key)
}

func (v *view) Has(key string) bool { return v.has(key) }

func (v *view) Need(key, example, why string) {
	if v.ask(key); !v.aside {
		v.need(key, example, why)
	}
}

func (v *view) Fail(key, format string, args ...any) { v.fail(key, format, args...) }

func (v *view) Pin(key string, to *string) { v.ask(key); v.pin(key, to) }

func (v *view) Port(key string, to *string, r func(string) string) {
	if v.ask(key); r == nil {
		r = isPath
	}
	v.port(key, to, r)
}

func (v *view) Duration(key string, to *time.Duration, least, most time.Duration) {
	v.ask(key)
	v.duration(key, to, least, most)
}

func (v *view) Whole(key string, to *int, least, most int) bool {
	v.ask(key)
	return v.whole(key, to, least, most)
}

func (v *view) Flag(key string, to *bool) { v.ask(key); v.flag(key, to) }

func (v *view) Choice(key string, to *string, words ...string) {
	v.ask(key)
	v.choice(key, to, words)
}

func (v *view) Once(key, part string) (before string, line int) {
	if v.aside {
		return "", 0
	}
	if first, used := v.doc.wires[part]; used {
		return first.key, first.line
	}
	v.doc.wires[part] = place{dotted(v.path, key), v.lineOf(key)}
	return "", 0
}

// only is the table with these of its keys alone.
func (t *table) only(keys []string) *table {
	some := *t
	some.values = map[string]any{}
	for _, key := range keys {
		if value, ok := t.values[key]; ok {
			some.values[key] = value
		}
	}
	return &some
}

// driverNames are the drivers of the kinds, each once.
func driverNames(kinds []vend.Kind) (all []string) {
	for _, k := range kinds {
		if !slices.Contains(all, k.Driver) {
			all = append(all, k.Driver)
		}
	}
	return all
}

// dispenser reads how a slot's product is made to come out. What another kind of slot has is read as well, so that it
// is known and its mistakes are told, and then refused.
func (t *table) dispenser(s *Slot, kinds []vend.Kind) {
	v := t.table("vend")
	v.need("driver", `"relay"`, "")
	v.choice("driver", &s.Driver, driverNames(kinds))
	mine := slices.IndexFunc(kinds, func(k vend.Kind) bool {
		return k.Driver == s.Driver && k.Key != "" &&
			v.has(k.Key)
	})
	if mine < 0 {
		mine = slices.IndexFunc(kinds, func(k vend.Kind) bool { return k.Driver == s.Driver && k.Key == "" })
	}
	done := []string{"driver"}
	if mine >= 0 {
		own := &view{table: v}
		s.Vend = kinds[mine].Read(&view{table: t}, own, s.MaxOn)
		s.AtMachine = kinds[mine].AtMachine
		done = append(done, own.asked...)
	}
	var foreign []string
	for n, k := range kinds {
		if n == mine {
			continue
		}
		rest := &view{table: v.without(done), aside: true}
		stray := k.Read(&view{table: t.only(nil), aside: true}, rest, s.MaxOn)
		if slices.ContainsFunc(stray.Wires(s.Place()), func(w wire.Wire) bool { return w.Pin != "" }) {
			s.strays = append(s.strays, stray)
		}
		for _, key := range rest.asked {
			if !slices.Contains(done, key) {
				done, foreign = append(done, key), append(foreign, key)
			}
		}
	}
	for _, key := range foreign {
		if mine >= 0 && v.has(key) {
			v.fail(key, "is not for driver %s: leave it out", quote(s.Driver))
		}
	}
}

// without is the table without some of its keys.
func (t *table) without(keys []string) *table {
	var rest []string
	for key := range t.values {
		if !slices.Contains(keys, key) {
			rest = append(rest, key)
		}
	}
	return t.only(rest)
}

// boards reads the sections about boards that slots share, whether or not one does.
func (t *table) boards(c *Config, kinds []vend.Kind) {
	c.Boards = map[string]vend.Board{}
	kinds = slices.Clone(kinds)
	slices.SortFunc(kinds, func(a, b vend.Kind) int { return strings.Compare(a.Section, b.Section) })
	for _, k := range kinds {
		if k.Section == "" {
			continue
		}
		first := ""
		for _, s := range c.Slots {
			if first == "" && s.Vend != nil && s.Vend.Board() == k.Section {
				first = s.ID
			}
		}
		c.Boards[k.Section] = k.Board(&view{table: t.table(k.Section)}, first)
	}
	for _, s := range c.Slots {
		if s.AtMachine && c.Payment.Flow != Reservation {
			t.fail("slot", "%s has driver %s, with which the customer chooses after the payment is reserved: write "+
				"payment.flow = %q",
				s.ID, quote(s.Driver), Reservation)
			return
		}
	}
}
