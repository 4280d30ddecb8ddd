package fsm

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

var whole = flag.Bool("whole", false, "search everything, and not a share of it: some minutes")

// share reports whether the n-th of many is searched: each of-th is, unless all are.
func share(n, of int) bool { return *whole || n%of == 0 }

// everyShelf has a slot of every kind: one whose unknown outcome is charged, one that is empty and dear, a machine of
// its own.
func everyShelf() ([]Slot, map[string]int) {
	slot := func(id string, minor int64) Slot {
		return Slot{ID: id, Name: "P", Price: money.Amount{Minor: minor, Currency: "SEK"}, MaxVend: 5 * time.Second}
	}
	shelf := []Slot{slot("A1", 1500), slot("A2", 3000), slot("A3", 9000), slot("A4", 1500)}
	shelf[1].UnknownCharged, shelf[3].AtMachine = true, true
	return shelf, map[string]int{"A1": 5, "A2": 2, "A3": 0, "A4": 5}
}

// node is a state that the search has reached, and how.
type node struct {
	s    State
	g    ghost
	now  Instant
	path *trail
}

// trail is the way to a state, last event first; the states share their beginnings.
type trail struct {
	event Event
	from  *trail
	steps int
}

func (t *trail) then(e Event) *trail { return &trail{e, t, t.length() + 1} }

func (t *trail) length() int {
	if t == nil {
		return 0
	}
	return t.steps
}

func (t *trail) String() string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf("%v  %s%+v\n", t.from, Name(t.event), t.event)
}

// alphabet is every event that could come next, the absurd ones included.
func alphabet(s State, now Instant, n int) []Event {
	sek := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
	id := fmt.Sprintf("S%d", n)
	ids := NewSale{id, "I" + id, "secret-" + id}
	call, sale := s.Live.Waiting, s.Sale.ID
	onPage := func(slot string) ProductChosen {
		return ProductChosen{At: now, Request: "w", New: ids, Item: fmt.Sprintf("w%d%s", n, slot), Slot: slot,
			Claim: "c"}
	}
	choose := func(slot, request string, price int64) ProductChosen {
		e := ProductChosen{At: now, Request: request, New: ids, Item: fmt.Sprintf("i%d%s%s", n, slot, request),
			Slot: slot}
		if price != 0 {
			e.Price = sek(price)
		}
		return e
	}
	booted := func(boot string, evidence []Evidence, lost string) Booted {
		e := Booted{At: now, Boot: boot, Rules: s.Rules, Evidence: evidence, Lost: lost, Shelf: s.Shelf}
		if e.Shelf == nil {
			e.Shelf, e.First = everyShelf()
		}
		return e
	}
	refilled := booted(s.Boot, nil, "")
	refilled.Shelf, refilled.First = everyShelf()
	refilled.RefilledBy = "t"
	events := []Event{
		PurchaseRequested{now, "q", ids, "p1", sek(5000)},
		PurchaseRequested{now, "q", ids, "p2", sek(5000)},
		PurchaseRequested{now, "q", ids, "", sek(100)},
		choose("A1", "", 0), choose("A2", "", 0), choose("A3", "", 0), choose("A4", "", 0), choose("Z9", "", 0),
		choose("A4", "m", 1600), choose("A4", "m", 9900), choose("A4", "m", 0), choose("A1", "m", 1600),
		choose("Z9", "m", 1600), onPage("A1"), onPage("A2"), onPage("A3"), onPage("A4"),
		CancelPressed{now, ""}, CancelPressed{now, "S0"}, CancelPressed{now, sale}, PageLeft{now, sale},
		PageLeft{now, "S0"}, RetryPressed{now}, Notified{now, s.Sale.Secret}, Notified{now, "forged"},
		FaultRaised{now, Fault{Name: reason.Journal, Hard: true}},
		FaultRaised{now, Fault{Name: reason.Door, Hard: true}}, FaultRaised{now, Fault{Name: "display"}},
		FaultRaised{now, Fault{Name: reason.TooWarm, Slots: []string{"A1"}}},
		FaultCleared{now, reason.Door}, SlotsOpened{now, nil, "t"}, SaleStopped{now, "t"}, Ticked{now},
		booted(s.Boot, nil, ""), booted(s.Boot+"'", nil, ""), booted(s.Boot, nil, "5 entries"), refilled,
		StockCounted{now, "c", "c" + id, "A1", "t", 7, false}, StockCounted{now, "c", "c" + id, "A2", "t", -1, true},
		StockCounted{now, "c", "c" + id, "A1", "t", -1, false},
		StockCounted{now, "c", "c" + id, "A1", "t", StockMax, true},
		StockCounted{now, "c", "c" + id, "Z9", "t", 7, false}, StockCounted{now, "c", "c" + id, "A1", "", 7, false},
		LossAccepted{now, "l", "t", "compared"}, LossAccepted{now, "l", "t", ""},
	}
	events = append(events, fromTheDesk(s, now, n)...)
	for _, v := range []Service{
		{ID: "t" + id, Act: TestVend, Slot: "A1", By: "t", Longest: 5 * time.Second},
		{ID: "t" + id, Act: TestVend, Slot: "A1", Longest: 5 * time.Second},
		{ID: "t" + id, Act: PulseRelay, Slot: "A2", By: "t", On: time.Second, Longest: time.Second},
		{ID: "t" + id, Act: PulseRelay, Slot: "A2", By: "t", Longest: time.Second},
		{ID: "t" + id, Act: CountStock, Slot: "A1", By: "t", Was: 1, Left: 7},
		{ID: "t" + id, Act: TestVend, Slot: "Z9", By: "t"},
		{ID: "t" + id, Act: "dance", Slot: "A1", By: "t", Longest: time.Second}, s.Service,
	} {
		events = append(events, ServiceBegan{now, "a", v})
	}
	for _, act := range []string{s.Service.ID, "t0"} {
		for _, o := range []ItemOutcome{Delivered, NotDelivered, Unknown, ""} {
			events = append(events, ServiceEnded{now, act, o, ""}, ServiceEnded{now, act, o, "jam"})
		}
	}
	if s.Serving() {
		events = append(events, booted(s.Boot, []Evidence{{s.Service.ID, Delivered, ""}}, ""))
	}
	for _, f := range s.Faults {
		events = append(events, FaultCleared{now, f.Name})
	}
	for _, i := range s.Sale.Items {
		if i.Outcome == Pending {
			events = append(events, booted(s.Boot, []Evidence{{i.ID, Delivered, ""}}, ""))
			for _, o := range []ItemOutcome{Delivered, NotDelivered, Unknown} {
				events = append(events, VendEnded{now, sale, i.ID, o, "jam"}, VendEnded{now, sale, i.ID, o, "stopped"})
			}
			events = append(events, VendEnded{now, "S0", i.ID, Delivered, ""},
				VendEnded{now, sale, "i0", Delivered, ""})
		}
	}
	for _, d := range []Decision{Charge, Release, Refund} {
		none := money.Amount{}
		events = append(events, SaleResolved{now, "v", s.Sale, Verdict{d, "t", "r", false, none}},
			SaleResolved{now, "v", s.Sale, Verdict{d, "t", "r", true, none}})
	}
	for _, back := range []money.Amount{sek(500), sek(1500), sek(9900), sek(-500), {Minor: 500, Currency: "EUR"}} {
		events = append(events, SaleResolved{now, "v", s.Sale, Verdict{Refund, "t", "r", false, back}},
			SaleResolved{now, "v", s.Sale, Verdict{Charge, "t", "r", false, back}})
	}
	if at, ok := s.Wake(); ok && at > now {
		events = append(events, Ticked{at}, Ticked{at.add(11 * time.Second)}, Ticked{at.add(12 * time.Minute)})
	}
	to := func(o Operation, r Result) Answered {
		a := Answered{At: now, Operation: o, Call: call, Sale: sale, Result: r}
		if o == SendInvoice {
			a.Reference, a.QR = "R"+sale, "QR"
		}
		return a
	}
	sent := func(reference string, repeated bool) Answered {
		a := to(SendInvoice, Result{Kind: Done})
		a.Reference, a.Repeated = reference, repeated
		return a
	}
	said := func(st PayStatus, version int, a money.Amount, ers string) Answered {
		e := to(AskStatus, Result{Kind: Done})
		e.Status, e.Version, e.Amount, e.ErsReference = st, version, a, ers
		return e
	}
	results := []Result{{Kind: Done}, {Kind: ResultUnknown}, {Kind: NotSent}, {Kind: Misfit, Text: "another"}}
	for _, c := range []int{11, 20, 48, 50, 51, 54, 93, 95, 96, 98} {
		results = append(results, refused(c))
	}
	for _, r := range results {
		for _, o := range Operations() {
			if o != AskStatus || r.Kind != Done {
				events = append(events, to(o, r))
			}
		}
	}
	other := fmt.Sprint("R", sale, n)
	events = append(events, sent("R"+sale, true), sent(other, false), sent(other, true))
	answer := func(st PayStatus, a money.Amount, ers string) {
		events = append(events, said(st, s.Live.Version, a, ers))
	}
	for _, st := range []PayStatus{StatusIssued, StatusReserved, StatusCanceled, StatusFailed, "PARTIALLY_PAID",
		"NEW_WORD"} {
		answer(st, money.Amount{}, "")
	}
	for _, a := range []int64{1400, 1500, 3000, 4500, 5000} {
		answer(StatusPaid, sek(a), "E1")
	}
	for _, st := range []PayStatus{StatusReserved, StatusPaid} { // not acknowledged yet
		events = append(events, said(st, s.Live.Version+1, sek(1500), "E1"))
	}
	answer(StatusPaid, money.Amount{}, "")
	answer(StatusPaid, money.Amount{Minor: 1500, Currency: "EUR"}, "E1")
	late, another := said(StatusPaid, 1, sek(1500), "E1"), said(StatusPaid, 1, sek(1500), "E1")
	late.Call, another.Sale = call+1, "S0"
	return append(events, late, another)
}

// visit takes one transition and judges it.
func visit(t *testing.T, n node, e Event) node {
	next, effects, durable := Step(n.s, e)
	path := n.path.then(e)
	g, err := judge(n.g, n.s, e, next, effects, durable)
	if err != nil {
		t.Fatalf("%v\nstate %+v\neffects %+v\nstory:\n%v", err, next, effects, path)
	}
	return node{next, g, max(n.now, e.at()), path}
}

// pure holds that Step is a function of values: it writes into none, says the same again, and its state survives the
// journal.
func pure(s State, e Event) error {
	frozen, err := json.Marshal([]any{s, s.Live})
	if err != nil {
		return err
	}
	next, effects, durable := Step(s, e)
	again, effects2, durable2 := Step(s, e)
	if !reflect.DeepEqual(again, next) || !reflect.DeepEqual(effects, effects2) || durable != durable2 {
		return fmt.Errorf("Step is not deterministic")
	}
	if after, _ := json.Marshal([]any{s, s.Live}); string(after) != string(frozen) {
		return fmt.Errorf("Step wrote into the state it was given")
	}
	return round(next)
}

func TestStepIsAFunctionOfValues(t *testing.T) {
	for n, node := range storyStates(t) {
		if !share(n, 16) {
			continue
		}
		for _, e := range alphabet(node.s, node.now, n+1000) {
			if err := pure(node.s, e); err != nil {
				t.Fatalf("%v\nstate %+v\nevent %s%+v", err, node.s, Name(e), e)
			}
		}
	}
}

// key names a node apart from the passing of time and the counting of calls.
func key(n node) string {
	s := n.s
	for _, i := range []*Instant{&s.Deadline, &s.Live.Called, &s.Live.Asked, &s.Live.CallAt, &s.Live.KnownAt,
		&s.Live.ShowTill, &s.Live.NoProofAt, &s.Live.UnheardAt,
		&s.Sale.InvoicedAt, &s.Sale.ReservedUntil, &s.CanceledAt} {
		if *i != 0 {
			*i -= n.now
		}
	}
	waiting := s.Live.Waiting != 0
	s.Live.Waiting, s.Live.Calls, s.Live.Version, s.Boot, s.Live.Requests = 0, 0, 0, "", nil
	b, _ := json.Marshal([]any{s, s.Live, s.Live.Payer, waiting, n.g})
	return string(b)
}

// TestNothingForbiddenHappensFromAnyStateOfAnyStory takes every state that a story passes through and every event in
// it, and again every event in a share of what comes of that.
func TestNothingForbiddenHappensFromAnyStateOfAnyStory(t *testing.T) {
	const depth = 2
	frontier, seen := storyStates(t), map[string]bool{}
	steps, ends := map[Stage]bool{}, map[SaleState]int{}
	var transitions int
	for level := range depth {
		var next []node
		for _, n := range frontier {
			k := key(n)
			if seen[k] {
				continue
			}
			seen[k] = true
			if level > 0 && !share(len(seen), 10) {
				continue
			}
			steps[n.s.Stage] = true
			for _, e := range alphabet(n.s, n.now, n.path.length()+100) {
				to := visit(t, n, e)
				if to.s.Sale.Ended {
					ends[to.s.Sale.State]++
				}
				if transitions++; level < depth-1 {
					next = append(next, to)
				}
			}
		}
		frontier = next
	}
	if len(steps) != 15 {
		t.Errorf("only these steps were reached: %v", steps)
	}
	for _, state := range []SaleState{Charged, Released, Refunded, Cancelled, Failed, Lost, InDoubt} {
		if ends[state] == 0 {
			t.Errorf("no transition ended a sale as %s: the search proves too little", state)
		}
	}
	t.Logf("%d states, %d transitions", len(seen), transitions)
}

// TestNothingForbiddenHappensOnLongWalks follows random events for long, more often those that lead on.
func TestNothingForbiddenHappensOnLongWalks(t *testing.T) {
	walks := 200
	if *whole {
		walks = 2000
	}
	for seed := range uint64(walks) {
		r := rand.New(rand.NewPCG(seed, 1))
		flow := []Flow{Reservation, Sticker, InvoiceQR, Web}[seed%4]
		first := Booted{At: Instant(time.Hour), Boot: "b",
			Rules: Rules{flow, seed%8 == 0, money.Amount{}, time.Minute, time.Minute, 10 * time.Minute,
				20 * time.Second}}
		first.Shelf, first.First = everyShelf()
		n := visit(t, node{now: Instant(time.Hour)}, first)
		for range 80 {
			events := alphabet(n.s, n.now, n.path.length())
			n = visit(t, n, likely(r, n.s, events))
		}
	}
}

// likely prefers, three times in four, an event that leads on: to another step, to the next call, or back into service.
func likely(r *rand.Rand, s State, events []Event) Event {
	for range 20 * r.IntN(4) {
		e := events[r.IntN(len(events))]
		switch e.(type) {
		case Booted, FaultRaised, SaleStopped:
			continue
		}
		next, _, _ := Step(s, e)
		if next.Stage != s.Stage || next.Live.Waiting != s.Live.Waiting || len(next.Faults) < len(s.Faults) {
			return e
		}
	}
	return events[r.IntN(len(events))]
}

// TestNoMomentIsWaitedForTwice holds that a tick serves what is due, so that the runtime's timer never spins.
func TestNoMomentIsWaitedForTwice(t *testing.T) {
	for n, node := range storyStates(t) {
		if !share(n, 4) {
			continue
		}
		for _, e := range append(alphabet(node.s, node.now, n+1000), nil) {
			s := node.s
			if e != nil {
				s, _, _ = Step(s, e)
			}
			at, ok := s.Wake()
			if !ok {
				continue
			}
			for range 3 { // the deadline, the call and the end of the last result may come due together
				s, _, _ = Step(s, Ticked{at})
			}
			if again, ok := s.Wake(); ok && again <= at {
				t.Fatalf("after three ticks at %d the state still wakes at %d: %+v", at, again, s)
			}
		}
	}
}
