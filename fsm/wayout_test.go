package fsm

import (
	"fmt"
	"testing"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

// stubborn is a Glase that says the same thing for ever.
type stubborn struct {
	name   string
	result Result
	status PayStatus
	amount money.Amount
	ers    string
	unread bool // each answer brings another version
}

// answers are the outcome of the call that is waited for, whichever it is: all but one of them mean nothing.
func (b stubborn) answers(s State, now Instant) []Event {
	call, sale, version := s.Live.Waiting, s.Sale.ID, s.Live.Version
	if b.unread {
		version++
	}
	var all []Event
	for _, o := range Operations() {
		a := Answered{At: now, Operation: o, Call: call, Sale: sale, Result: b.result}
		switch {
		case b.result.Kind != Done:
		case o == SendInvoice:
			a.Reference = "R" + sale
		case o == AskStatus:
			a.Status, a.Version, a.Amount, a.ErsReference = b.status, version, b.amount, b.ers
		}
		all = append(all, a)
	}
	return all
}

// unproven reports whether it says a PAID that proves nothing.
func (b stubborn) unproven() bool {
	return b.status == StatusPaid && (b.amount.Currency != "SEK" || b.ers == "")
}

func stubbornOnes() []stubborn {
	sek := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
	all := []stubborn{{name: "silent", result: Result{Kind: ResultUnknown}},
		{name: "out of reach", result: Result{Kind: NotSent}}}
	for _, c := range []int{20, 48, 49, 50, 51, 54, 93, 95, 96, 98} {
		all = append(all, stubborn{name: fmt.Sprint("code ", c), result: refused(c)})
	}
	done := Result{Kind: Done}
	for _, st := range []PayStatus{StatusIssued, StatusReserved, StatusCanceled, StatusFailed, "NEW_WORD"} {
		all = append(all, stubborn{name: string(st), result: done, status: st})
	}
	return append(all,
		stubborn{name: "RESERVED unread", result: done, status: StatusReserved, unread: true},
		stubborn{name: "PAID", result: done, status: StatusPaid, amount: sek(1500), ers: "E1"},
		stubborn{name: "PAID unread", result: done, status: StatusPaid, amount: sek(1500), ers: "E1", unread: true},
		stubborn{name: "PAID without an amount", result: done, status: StatusPaid, ers: "E1"},
		stubborn{name: "PAID without a reference", result: done, status: StatusPaid, amount: sek(1500)},
		stubborn{name: "PAID in another currency", result: done, status: StatusPaid,
			amount: money.Amount{Minor: 1500, Currency: "EUR"}, ers: "E1"},
	)
}

const (
	patience   = 3 * time.Hour   // longer than any sale that time alone ends
	provenTill = 2 * time.Minute // a PAID that proves nothing is in doubt by then
)

// TestNoStateIsWithoutAWayOut takes every state of the stories, and all that one event more can make of it, and has a
// stubborn Glase answer while no dispenser says anything. Then the sale ends by itself, or a person can end it; and a
// technician's visit brings the machine back into service. One that is PAID without a proof ends by itself, and soon.
func TestNoStateIsWithoutAWayOut(t *testing.T) {
	seen, silence := map[string]bool{}, 0
	all, known := stubbornOnes(), map[string]bool{}
	ask := func(n node, b stubborn) {
		if wayOut(t, n, b, known) {
			silence++
		}
	}
	for n, from := range storyStates(t) {
		k := key(node{s: from.s, now: from.now})
		if seen[k] {
			continue
		}
		seen[k] = true
		for i, b := range all {
			if b.unproven() || share(n+i, 10) {
				ask(from, b)
			}
		}
		if !share(n, 25) {
			continue
		}
		for _, e := range alphabet(from.s, from.now, n+5000) { // each with one Glase in turn
			next, _, _ := Step(from.s, e)
			to := node{s: next, now: max(from.now, e.at()), path: from.path.then(e)}
			if k := key(to); !seen[k] {
				seen[k] = true
				ask(to, all[len(seen)%len(all)])
			}
		}
	}
	if silence == 0 {
		t.Error("no sale needed a person, not even when Glase was silent: the search proves too little")
	}
	t.Logf("%d states, %d answers that never change, %d times a person was needed", len(seen), len(all), silence)
}

// wayOut follows one state until nothing is on any more, or to a state that is known to lead there. true: a person was
// needed.
func wayOut(t *testing.T, n node, b stubborn, known map[string]bool) (person bool) {
	s, now := n.s, n.now
	began, paid := now, Instant(0)
	fail := func(why string) {
		t.Fatalf("%s with a Glase that says %s: %s (%s)\nsale %+v\nlive %+v\nstory:\n%v", why, b.name, s.Stage,
			s.Reason, s.Sale, s.Live, n.path)
	}
	for s.Busy() || s.Serving() {
		if s.Live.Waiting == 0 && paid == 0 {
			k := b.name + key(node{s: s, now: now})
			if known[k] {
				return false
			}
			known[k] = true
		}
		if b.unproven() && s.Live.NoProofAt != 0 && paid == 0 {
			paid = now
		}
		if paid != 0 && now.Since(paid) > provenTill {
			fail("a PAID that proves nothing is asked for and asked for")
		}
		if now.Since(began) > patience || mended(s, now).Helpless() && !b.unproven() {
			s, person = settledByAPerson(mended(s, now), now), true
			if s.Busy() {
				fail("neither time nor a person ends it")
			}
			break
		}
		if s.Live.Waiting != 0 {
			now = now.add(100 * time.Millisecond)
			for _, e := range b.answers(s, now) {
				s, _, _ = Step(s, e)
			}
			continue
		}
		at, ok := s.Wake()
		if !ok {
			fail("it waits for nothing")
		}
		now = max(now, at)
		s, _, _ = Step(s, Ticked{now})
	}
	s = mended(s, now)
	if s, _, _ = Step(s, SlotsOpened{now, nil, "t"}); s.Stage != Ready && s.Stage != "" {
		fail("a technician's visit does not bring it back")
	}
	return person
}

// mended is the state once the machine's own faults, which end by themselves or are repaired, are over.
func mended(s State, now Instant) State {
	for _, f := range s.Faults {
		if f.Name != reason.ChargeRefused && f.Name != reason.ForeignCancel {
			s, _, _ = Step(s, FaultCleared{now, f.Name})
		}
	}
	return s
}

// settledByAPerson is the state after whichever verdict by hand is taken.
func settledByAPerson(s State, now Instant) State {
	for _, d := range []Decision{Charge, Refund, Release} {
		next, _, _ := Step(s, SaleResolved{now, "v", s.Sale, Verdict{d, "t", "r", true, money.Amount{}}})
		if !next.Busy() {
			return next
		}
	}
	return s
}
