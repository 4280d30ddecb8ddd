package setup

import (
	"slices"
	"strings"
	"time"

	"kioskd/hw/vend"
)

// part is something that a kind of slot, or its board, must be told.
type part struct {
	key     string
	example string // TOML
	why     string
	number  bool
}

// recorder is a vend.Table that reads nothing, and notes what a kind asks of it. So a new kind of slot is asked for
// here without a word about it.
type recorder struct {
	parts   []part   // what must be there
	numbers []string // keys of whole numbers
	pins    []string // keys of pins
	ports   []string // keys of serial ports
}

var _ vend.Table = (*recorder)(nil)

func (r *recorder) Has(string) bool             { return false }
func (r *recorder) Fail(string, string, ...any) {}
func (r *recorder) Flag(string, *bool)          {}

func (r *recorder) Need(key, example, why string) {
	r.parts = append(r.parts, part{key, example, why, slices.Contains(r.numbers, key)})
}

func (r *recorder) Pin(key string, _ *string)                                     { r.pins = append(r.pins, key) }
func (r *recorder) Port(key string, _ *string, _ func(string) string)             { r.ports = append(r.ports, key) }
func (r *recorder) Duration(string, *time.Duration, time.Duration, time.Duration) {}
func (r *recorder) Choice(string, *string, ...string)                             {}
func (r *recorder) Once(string, string) (before string, line int)                 { return "", 0 }
func (r *recorder) Whole(key string, _ *int, _, _ int) bool {
	r.numbers = append(r.numbers, key)
	return false
}

// isPin reports whether a key names a pin.
func (r *recorder) isPin(key string) bool { return slices.Contains(r.pins, key) }

// optional are the pins that need not be there.
func (r *recorder) optional() (all []string) {
	for _, p := range r.pins {
		if !slices.ContainsFunc(r.parts, func(n part) bool { return n.key == p }) {
			all = append(all, p)
		}
	}
	return all
}

// word is how a kind is chosen here: its driver, or for the second kind of a driver its board's section.
func word(k vend.Kind) string {
	if k.Key != "" {
		return k.Section
	}
	return k.Driver
}

// kindOf is the kind that a slot's values are of, as word has it.
func kindOf(kinds []vend.Kind, driver string, has func(key string) bool) string {
	plain := ""
	for _, k := range kinds {
		if k.Driver != driver {
			continue
		}
		if k.Key != "" && has(k.Key) {
			return word(k)
		}
		if k.Key == "" {
			plain = word(k)
		}
	}
	return plain
}

// kind finds a kind by its word.
func (s *Setup) kind(name string) (vend.Kind, bool) {
	for _, k := range s.o.Kinds {
		if word(k) == name {
			return k, true
		}
	}
	return vend.Kind{}, false
}

// asks are what a kind must be told of a slot, in [[slot]] and in [slot.vend], and of its board.
func asks(k vend.Kind) (slot, own, board recorder) {
	k.Read(&slot, &own, 0)
	if k.Board != nil {
		k.Board(&board, "it")
	}
	if k.Key != "" && !slices.ContainsFunc(own.parts, func(p part) bool { return p.key == k.Key }) {
		own.parts = append(own.parts, part{key: k.Key, example: "1", number: true})
	}
	return slot, own, board
}

// sample is an example as a person types it.
func sample(toml string) string { return strings.Trim(toml, `"`) }
