package setup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// slotsKey is the answer that is the number of slots.
const slotsKey = "slots"

// slotsMax is what the config takes.
const slotsMax = 64

// slots is how many there are, as far as that is answered.
func (s *Setup) slots() int {
	text, ok := s.given(slotsKey)
	if n, err := strconv.Atoi(text); ok && err == nil {
		return min(max(n, 0), slotsMax)
	}
	return 0
}

// slot are the questions about one slot. Boards that were asked for stand in asked.
func (s *Setup) slot(n int, asked map[string]bool) []Question {
	at := func(n int, key string) string { return fmt.Sprint(repeated, ".", n, ".", key) }
	like := func(key, otherwise string) string { // as in the slot before
		if v, ok := s.given(at(n-1, key)); ok {
			return v
		}
		return otherwise
	}
	kind := Question{Key: at(n, "kind"), Ask: "How its product comes out", Default: like("kind", "relay")}
	for _, k := range s.o.Kinds {
		kind.Choices = append(kind.Choices, Choice{word(k), k.About})
	}
	all := []Question{
		{Key: at(n, "id"), Ask: "Id, as on the machine's front", Default: after(like("id", "")),
			Why: "Capital letters and digits: A1"},
		{Key: at(n, "name"), Ask: "What is in it", Why: "As customers read it: \"Still water 50 cl\"."},
		{Key: at(n, "price"), Ask: "Price", Default: like("price", ""), Why: "With a point: 15.00"},
		{Key: at(n, "stock"), Ask: "How many are in it", Default: like("stock", ""), Form: Number},
		{Key: at(n, "vat"), Ask: "VAT in whole percent", Default: like("vat", ""), Form: Number, Optional: true},
		kind,
	}
	k, ok := s.kind(s.value(kind))
	if !ok {
		return all
	}
	slot, own, board := asks(k)
	for _, p := range own.parts {
		q := Question{Key: at(n, "vend."+p.key), Ask: fmt.Sprintf("[slot.vend] %s", p.key), Why: p.why}
		switch {
		case own.isPin(p.key):
			q.Ask, q.Default = "Pin: "+p.key, s.freePin(q.Key)
		case p.number:
			q.Form, q.Default = Number, after(like("vend."+p.key, ""))
		}
		all = append(all, q)
	}
	for _, key := range own.optional() {
		all = append(all, Question{Key: at(n, "vend."+key), Ask: "Pin: " + key, Optional: true})
	}
	for _, p := range slot.parts {
		all = append(all, Question{Key: at(n, p.key), Ask: "Longest time that it is on (" + p.key + ")",
			Why:     p.why + ".",
			Default: like(p.key, sample(p.example))})
	}
	if !k.AtMachine {
		all = append(all, Question{Key: at(n, "button"), Ask: "Pin of its button", Optional: true})
	}
	if k.Section != "" && !asked[k.Section] {
		asked[k.Section] = true
		for _, p := range board.parts {
			q := Question{Key: k.Section + "." + p.key, Ask: fmt.Sprintf("[%s] %s", k.Section, p.key), Why: p.why + "."}
			if slices.Contains(board.ports, p.key) && len(s.o.Facts.Serial) > 0 {
				q.Default, q.Why = s.o.Facts.Serial[0], "Plugged in: "+strings.Join(s.o.Facts.Serial, ", ")
			}
			all = append(all, q)
		}
	}
	return all
}

// after counts on: A1, A2 … A9, B1; 7, 8.
func after(last string) string {
	if last == "" {
		return ""
	}
	letters := strings.TrimRight(last, "0123456789")
	n, err := strconv.Atoi(last[len(letters):])
	switch {
	case err != nil:
		return ""
	case len(letters) == 1 && n == 9 && letters[0] >= 'A' && letters[0] < 'Z':
		return string(letters[0]+1) + "1"
	}
	return letters + strconv.Itoa(n+1)
}

// usual are pins that carry nothing else on a Raspberry Pi, in the order of the commented example.
var usual = [...]int{17, 27, 22, 23, 24, 25, 5, 6, 12, 13, 16, 19, 20, 21, 26}

// freePin is a pin that no answer has yet; "": none of the usual ones.
func (s *Setup) freePin(key string) string {
	if s.has(key) {
		return "" // nothing is offered for what is answered
	}
	free := slices.Clone(s.free)
	if !strings.HasSuffix(key, ".relay") && !s.has(key[:strings.LastIndex(key, ".")]+".relay") && len(free) > 0 {
		free = free[1:] // the first is offered for the relay
	}
	if len(free) == 0 {
		return ""
	}
	return free[0]
}
