package protocol

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
)

// desk is an authority with one person whom it knows.
type desk struct {
	authority, person nkeys.KeyPair
	card              Person
	now               time.Time
	asked             Asked
}

func (d desk) Check(text, signature []byte) error { return d.authority.Verify(text, signature) }

func newDesk(t testing.TB) desk {
	t.Helper()
	d := desk{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), asked: Asked{"H1", 5e9, 10e9}}
	for _, k := range []*nkeys.KeyPair{&d.authority, &d.person} {
		var err error
		if *k, err = nkeys.CreateUser(); err != nil {
			t.Fatal(err)
		}
	}
	key, err := d.person.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	d.card = Person{Name: "anna", Role: Operate, Key: key, Expires: d.now.Add(time.Hour)}
	return d
}

func (d desk) command(word string) Command {
	c := Command{ID: "C1", Kiosk: "K1", Word: word, Asked: d.asked.String(), At: d.now, Reason: "recall"}
	switch word {
	case Resolve:
		c.Sale, c.Decision = "S1", "refund"
	case Refund:
		c.Sale, c.Amount = "S1", "5.00"
	}
	return c
}

func (d desk) sign(t testing.TB, c Command) []byte {
	t.Helper()
	card, signature, err := Certify(d.card, d.authority)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Sign(c, card, signature, d.person)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAPersonsCommandIsTakenAsItWasGiven(t *testing.T) {
	d := newDesk(t)
	for _, word := range []string{OutOfService, Back, Resolve, Refund, Restart} {
		c := d.command(word)
		got, by, err := Check(d.sign(t, c), "K1", d.asked, d.now, d)
		if err != nil || got != c || by.Name != "anna" {
			t.Errorf("%s: %+v by %s, %v", word, got, by.Name, err)
		}
		if _, _, err := Check(d.sign(t, c), "K1", d.asked, time.Time{}, d); err != nil {
			t.Errorf("%s by a machine that knows no time: %v", word, err)
		}
	}
}

// TestWhatIsNotSignedRightIsNoCommand: each of these is what somebody would try.
func TestWhatIsNotSignedRightIsNoCommand(t *testing.T) {
	d := newDesk(t)
	other := newDesk(t)
	edit := func(f func(*Signed)) []byte {
		var s Signed
		if err := json.Unmarshal(d.sign(t, d.command(OutOfService)), &s); err != nil {
			t.Fatal(err)
		}
		f(&s)
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	changed := func(f func(*Command, *desk)) []byte {
		d, c := d, d.command(OutOfService)
		f(&c, &d)
		return d.sign(t, c)
	}
	replace := func(b []byte, old, new string) []byte { return []byte(strings.Replace(string(b), old, new, 1)) }
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"another word":  {edit(func(s *Signed) { s.Command = replace(s.Command, OutOfService, Restart) }), ErrForged},
		"a higher role": {edit(func(s *Signed) { s.Person = replace(s.Person, Operate, Admin) }), ErrForged},
		"a later end":   {edit(func(s *Signed) { s.Person = replace(s.Person, "2026", "2027") }), ErrForged},
		"another's key": {edit(func(s *Signed) {
			s.Signature, _ = other.person.Sign(append([]byte(commandIs),
				s.Command...))
		}),
			ErrForged},
		"signed for something else": {edit(func(s *Signed) { s.Signature, _ = d.person.Sign(s.Command) }), ErrForged},
		"a person of another fleet": {other.sign(t, other.command(OutOfService)), ErrForged},
		"no signature":              {edit(func(s *Signed) { s.Signature = nil }), ErrForged},
		"no certificate":            {edit(func(s *Signed) { s.Person, s.PersonSignature = nil, nil }), ErrForged},
		"another machine's":         {changed(func(c *Command, _ *desk) { c.Kiosk = "K2" }), ErrOther},
		"asked before": {changed(func(c *Command, _ *desk) {
			c.Asked = Asked{"H1", 4e9,
				10e9}.String()
		}), ErrExpired},
		"asked by another hub": {changed(func(c *Command, _ *desk) {
			c.Asked = Asked{"H2", 5e9,
				10e9}.String()
		}), ErrExpired},
		"of last week": {changed(func(c *Command, _ *desk) { c.At = c.At.Add(-7 * 24 * time.Hour) }),
			ErrExpired},
		"an expired person": {changed(func(_ *Command, d *desk) { d.card.Expires = d.now.Add(-time.Second) }),
			ErrExpired},
		"who may only look": {changed(func(_ *Command, d *desk) { d.card.Role = Look }), ErrRole},
		"who may not settle by hand": {changed(func(c *Command, _ *desk) {
			c.Word, c.Sale, c.Decision, c.ByHand = Resolve, "S1", "charge", true
		}), ErrRole},
	} {
		if got, _, err := Check(c.data, "K1", d.asked, d.now, d); !errors.Is(err, c.want) || got != (Command{}) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, c.want)
		}
	}
	if _, _, err := Check(d.sign(t, d.command(Back)), "K1", d.asked, d.now, nil); !errors.Is(err, ErrForged) {
		t.Errorf("a machine that knows no authority: %v", err)
	}
	long := d.asked
	long.Life = commandLife + 1
	slow := d.command(Back)
	slow.Asked = long.String()
	if _, _, err := Check(d.sign(t, slow), "K1", long, d.now, d); !errors.Is(err, ErrExpired) {
		t.Errorf("a command that lives for long: %v", err)
	}
	expired := d
	expired.card.Expires = d.now.Add(-time.Second)
	if _, _, err := Check(expired.sign(t, d.command(Back)), "K1", d.asked, time.Time{}, d); !errors.Is(err,
		ErrExpired) {
		t.Errorf("an expired person at a machine that knows no time: %v", err)
	}
}

func TestWhatSaysTooLittleOrTooMuchIsNoCommand(t *testing.T) {
	d := newDesk(t)
	for name, f := range map[string]func(*Command){
		"no id":                 func(c *Command) { c.ID = "" },
		"a subject for an id":   func(c *Command) { c.ID = "a.b" },
		"an unknown word":       func(c *Command) { c.Word = "vend" },
		"no reason":             func(c *Command) { c.Reason = " " },
		"a reason in two lines": func(c *Command) { c.Reason = "a\nb" },
		"a long reason":         func(c *Command) { c.Reason = strings.Repeat("x", commandText+1) },
		"a sale for nothing":    func(c *Command) { c.Sale = "S1" },
		"an amount for nothing": func(c *Command) { c.Amount = "1.00" },
		"by hand for nothing":   func(c *Command) { c.ByHand = true },
		"resolve what?":         func(c *Command) { c.Word, c.Decision = Resolve, "charge" },
		"resolve how?":          func(c *Command) { c.Word, c.Sale, c.Decision = Resolve, "S1", "dance" },
	} {
		c := d.command(OutOfService)
		f(&c)
		card, signature, err := Certify(d.card, d.authority)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Sign(c, card, signature, d.person); err == nil {
			t.Errorf("%s is signed", name)
		}
		s := Signed{Person: card, PersonSignature: signature}
		if s.Command, err = json.Marshal(c); err != nil {
			t.Fatal(err)
		}
		if s.Signature, err = d.person.Sign(append([]byte(commandIs), s.Command...)); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := Check(data, "K1", d.asked, d.now, d); err == nil || got != (Command{}) {
			t.Errorf("%s is taken: %+v", name, got)
		}
	}
	if _, err := ReadSigned([]byte(strings.Repeat(" ", CommandMax+1))); err == nil {
		t.Error("a long message is read")
	}
	if _, err := ReadSigned([]byte(`{"colour":"red"}`)); err == nil {
		t.Error("an unknown field is passed over")
	}
}

// trusting takes any signature, so that what is behind it can be fuzzed.
type trusting struct{}

func (trusting) Check([]byte, []byte) error { return nil }

func FuzzCheckOfACommand(f *testing.F) {
	d := newDesk(f)
	for _, word := range []string{OutOfService, Resolve, Refund} {
		var s Signed
		if err := json.Unmarshal(d.sign(f, d.command(word)), &s); err != nil {
			f.Fatal(err)
		}
		f.Add(s.Person, s.Command, s.Signature)
	}
	f.Add([]byte("{}"), []byte("null"), []byte{})
	f.Fuzz(func(t *testing.T, person, command, signature []byte) {
		data, err := json.Marshal(Signed{person, nil, command, signature})
		if err != nil {
			t.Fatal(err)
		}
		c, p, err := Check(data, "K1", d.asked, d.now, trusting{})
		if err == nil && (c.Check() != nil || p.check() != nil || !p.May(c) || c.Kiosk != "K1") {
			t.Errorf("taken: %+v by %+v", c, p)
		}
		if _, _, err := Check(command, "K1", d.asked, d.now, d); err == nil {
			t.Error("what nobody signed is taken")
		}
	})
}
