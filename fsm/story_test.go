package fsm

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kioskd/internal/money"
	"kioskd/internal/reason"
)

var update = flag.Bool("update", false, "write the transcripts of testdata anew")

// TestStories replays each story of testdata. A line that begins with > is an event; the lines under it are what came
// of it.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := &teller{t: t, now: Instant(time.Hour), known: map[string]Sale{}}
			got := w.tell(string(want))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is told differently now (go test ./fsm -update writes it anew):\n%s", file, got)
			}
		})
	}
}

// teller plays the world around one machine.
type teller struct {
	t     *testing.T
	s     State
	now   Instant
	sales int
	items int
	acts  int                      // technicians'
	slots map[string]Slot          // the shelf that boots bring
	first map[string]int           // and what is in it
	known map[string]Sale          // each sale as it was last
	each  func(e Event, told bool) // of each event, when set; not told: one of a line's repetitions
	quiet bool
	// durable: the step before, which is told together with the next one, was.
	durable bool
	out     bytes.Buffer
}

func (w *teller) tell(script string) []byte {
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "> "):
			fmt.Fprintln(&w.out, line)
			words := strings.Fields(line[2:])
			times := 1
			if last := words[len(words)-1]; strings.HasPrefix(last, "×") {
				n, err := strconv.Atoi(strings.TrimPrefix(last, "×"))
				if err != nil {
					w.t.Fatal(err)
				}
				times, words = n, words[:len(words)-1]
			}
			for range times - 1 { // only the last is told
				told := w.out.Len()
				w.quiet = true
				w.line(words)
				w.line([]string{"tick"})
				w.quiet = false
				w.out.Truncate(told)
			}
			w.line(words)
		case strings.HasPrefix(line, "#"), line == "":
			fmt.Fprintln(&w.out, line)
		}
	}
	return w.out.Bytes()
}

func (w *teller) line(words []string) {
	if words[0] == "wait" {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = w.now.add(d)
		return
	}
	if words[0] == "sent" && !slices.Contains(words, "unseen=yes") {
		told := w.out.Len()
		defer func() {
			if w.s.Live.Unseen { // told as one: Glase knows the invoice
				w.out.Truncate(told)
				w.durable = true
				w.line([]string{"status", "ISSUED", "version=0"})
			}
		}()
	}
	if len(words) > 1 && words[0] == "status" && !w.quiet && !slices.Contains(words, "once") {
		w.saidBefore(words)
	}
	before := w.s
	e := w.event(words[0], words[1:])
	if w.each != nil {
		w.each(e, !w.quiet)
	}
	next, effects, durable := Step(w.s, e)
	w.s = next
	w.known[next.Sale.ID] = next.Sale
	kind := "volatile"
	if durable || w.durable {
		kind = "durable"
	}
	w.durable = false
	fmt.Fprintf(&w.out, "  %s/%s", next.Stage.Phase(), next.Stage)
	if next.Reason != "" {
		fmt.Fprintf(&w.out, " (%s)", next.Reason)
	}
	fmt.Fprintf(&w.out, " %s", kind)
	if at, ok := next.Wake(); ok {
		fmt.Fprintf(&w.out, ", wakes in %v", at.Since(w.now))
	}
	fmt.Fprintln(&w.out)
	if next.Live.Notice != before.Live.Notice && next.Live.Notice != "" {
		fmt.Fprintf(&w.out, "  notice: %s\n", next.Live.Notice)
	}
	if !reflect.DeepEqual(next.Closed, before.Closed) {
		fmt.Fprintf(&w.out, "  closed slots: %v\n", next.Closed)
	}
	for _, slot := range slices.Sorted(maps.Keys(before.Stock)) {
		if was, left := before.Stock[slot], next.Stock[slot]; was != left {
			fmt.Fprintf(&w.out, "  stock of %s: %d\n", slot, left)
		}
	}
	for n, s := range next.Shelf {
		if n < len(before.Shelf) && before.Shelf[n].Price != s.Price {
			fmt.Fprintf(&w.out, "  %s costs %v\n", s.ID, s.Price)
		}
	}
	for _, e := range effects {
		fmt.Fprintf(&w.out, "  → %s\n", show(e))
	}
	if v := next.Service; v != before.Service && v.Ended {
		fmt.Fprintf(&w.out, "  = %s\n", strings.Join(
			strings.Fields(fmt.Sprintf("%s of %s by %s ended %s %s", v.Act, v.Slot, v.By, v.Outcome, v.Why)), " "))
	}
	if next.Sale.Ended && (!before.Sale.Ended || before.Sale.ID != next.Sale.ID ||
		before.Sale.State != next.Sale.State) {
		s := next.Sale
		fmt.Fprintf(&w.out, "  = %s: charged %v, refunded %v; why %q; note %q\n", s.State, s.Charged, s.Refunded, s.Why,
			s.Note)
		for _, i := range s.Items {
			fmt.Fprintf(&w.out, "    %s %v %s %s\n", i.Slot, i.Price, i.Outcome, i.Why)
		}
	}
}

// saidBefore has Glase say, untold, what it must say twice before it is believed.
func (w *teller) saidBefore(words []string) {
	before, now, told := w.s, w.now, w.out.Len()
	e := w.event(words[0], words[1:])
	if next, _, durable := Step(w.s, e); durable || next.Live.Heard == "" || next.Live.Heard == before.Live.Heard {
		w.s, w.now = before, now
		return
	}
	w.quiet = true
	w.line(words)
	w.quiet = false
	w.out.Truncate(told)
}

// show writes an effect as one short line.
func show(e Effect) string {
	name := reflect.TypeOf(e).Name()
	switch e := e.(type) {
	case Answer:
		return strings.TrimSpace(fmt.Sprintf("%s %s %s%s", name, e.Request, e.Reference, e.Refusal))
	case Call:
		return e.show()
	case Vend:
		return fmt.Sprintf("%s %s in %s", name, e.Item.ID, e.Item.Slot)
	case StopVend:
		return fmt.Sprintf("%s %s", name, e.Item)
	case Serve:
		return strings.TrimSuffix(fmt.Sprintf("%s %s: %s of %s for %v", name, e.Service.ID, e.Service.Act,
			e.Service.Slot, e.Service.On), " for 0s")
	}
	if _, ok := e.(Restart); ok {
		return name
	}
	return name + " is not shown"
}

// show writes a call as one short line.
func (c Call) show() string {
	switch c.Operation {
	case SendInvoice:
		return fmt.Sprintf("SendInvoice %s of %v%s", c.ClientInvoiceID, c.Total, rows(c.Items))
	case AskStatus:
		return fmt.Sprintf("AskStatus %s version %d", c.Reference, c.Version)
	case UpdateInvoice:
		return fmt.Sprintf("UpdateInvoice %s to %v%s", c.Reference, c.Total, rows(c.Items))
	case CommitReservation:
		return fmt.Sprintf("CommitReservation %s of %v", c.Reference, c.Total)
	case CancelInvoice:
		return fmt.Sprintf("CancelInvoice %s", c.Reference)
	case RefundPayment:
		return fmt.Sprintf("RefundPayment %s of %v full=%v", c.ErsReference, c.Total, c.Full)
	case SubmitReceipt:
		return fmt.Sprintf("SubmitReceipt %s of %v%s", c.ErsReference, c.Total, rows(c.Items))
	}
	return "a call that is not shown"
}

// refused is a refusal by one of Glase's codes, which the stories speak in.
func refused(code int) Result {
	means := map[int]Meaning{48: InProgress, 50: AlreadyPaid, 54: UnknownInvoice, 55: AlreadyOver, 93: Busy,
		95: AlreadyOver, 96: NotReserved, 98: OverRefunded}
	return Result{Kind: Refused, Means: means[code], Word: fmt.Sprintf("code %d", code)}
}

func rows(items []Item) string {
	s := ""
	for _, i := range items {
		s += fmt.Sprintf(" [%s %v]", i.Slot, i.Price)
	}
	return s
}

// event makes the event of a line: a word, then words and key=value pairs.
func (w *teller) event(word string, args []string) Event {
	opt := map[string]string{}
	var plain []string
	for _, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok {
			opt[k] = v
		} else {
			plain = append(plain, a)
		}
	}
	arg := func(n int, otherwise string) string {
		if n < len(plain) {
			return plain[n]
		}
		return otherwise
	}
	or := func(key, otherwise string) string {
		if v, ok := opt[key]; ok {
			return v
		}
		return otherwise
	}
	sek := func(s string) money.Amount {
		if s == "none" || s == "" {
			return money.Amount{}
		}
		a, err := money.Parse(s, or("currency", "SEK"))
		if err != nil {
			w.t.Fatal(err)
		}
		return a
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			w.t.Fatal(err)
		}
		return n
	}
	call, sale := number(or("call", strconv.Itoa(w.s.Live.Waiting))), or("sale", w.s.Sale.ID)
	result := func(n int) Result {
		r := Result{Kind: ResultKind(arg(n, "done"))}
		switch r.Kind {
		case Done, ResultUnknown, NotSent:
			return r
		case Misfit:
			r.Text = "another"
			return r
		case Refused:
			return refused(number(arg(n+1, "")))
		}
		w.t.Fatalf("no result %q", plain)
		return Result{}
	}
	ids := func() NewSale {
		id := fmt.Sprintf("S%d", w.sales+1)
		return NewSale{id, "I" + id, "secret-" + id}
	}
	switch word {
	case "boot":
		e := Booted{At: w.now, Boot: or("id", "boot1"),
			Rules: Rules{Flow(or("flow", "reservation")), opt["page"] == "yes", sek("200.00"), time.Minute, time.Minute,
				10 * time.Minute, 20 * time.Second}}
		e.Lost, e.RefilledBy = opt["lost"], opt["refilled"]
		e.Shelf, e.First = w.shelf(opt, sek)
		if o := opt["evidence"]; o != "" && w.s.Serving() {
			e.Evidence = []Evidence{{Item: w.s.Service.ID, Outcome: ItemOutcome(o)}}
		} else if o != "" {
			e.Evidence = []Evidence{{Item: w.s.Sale.Items[len(w.s.Sale.Items)-1].ID, Outcome: ItemOutcome(o)}}
		}
		return e
	case "scan":
		e := PurchaseRequested{w.now, or("request", "r1"), ids(), opt["payer"], sek(arg(0, "50.00"))}
		w.sales++
		return e
	case "choose":
		w.items++
		e := ProductChosen{w.now, opt["request"], ids(), fmt.Sprintf("i%d", w.items), arg(0, "A1"), money.Amount{},
			opt["claim"]}
		price := sek(arg(1, ""))
		if s, known := w.s.slot(e.Slot); s.AtMachine {
			e.Price = price
		} else if known && len(plain) > 1 && s.Price != price {
			w.t.Fatalf("%s costs %v, and the story says %v", s.ID, s.Price, price)
		}
		if !w.s.Busy() {
			w.sales++
		}
		return e
	case "sent":
		e := Answered{At: w.now, Operation: SendInvoice, Call: call, Sale: sale, Result: result(0),
			Repeated: opt["repeated"] == "yes"}
		if e.Result.Kind == Done {
			e.Reference = or("ref", "R"+sale)
			e.QR = "HTTP://SEQR.SE/" + e.Reference
		}
		return e
	case "status":
		if first := arg(0, ""); strings.ToUpper(first) != first {
			return Answered{At: w.now, Operation: AskStatus, Call: call, Sale: sale, Result: result(0)}
		}
		version := "1" // unless told otherwise a RESERVED or PAID answers a question that acknowledged its version
		if status := arg(0, ""); status == "RESERVED" || status == "PAID" {
			version = strconv.Itoa(w.s.Live.Version)
		}
		return Answered{At: w.now, Operation: AskStatus, Call: call, Sale: sale, Result: Result{Kind: Done},
			Status:  PayStatus(arg(0, "ISSUED")),
			Version: number(or("version", version)), Amount: sek(opt["amount"]), ErsReference: opt["ers"]}
	case "updated":
		return Answered{At: w.now, Operation: UpdateInvoice, Call: call, Sale: sale, Result: result(0)}
	case "committed":
		return Answered{At: w.now, Operation: CommitReservation, Call: call, Sale: sale, Result: result(0)}
	case "canceled":
		return Answered{At: w.now, Operation: CancelInvoice, Call: call, Sale: sale, Result: result(0)}
	case "refunded":
		return Answered{At: w.now, Operation: RefundPayment, Call: call, Sale: sale, Result: result(0)}
	case "receipted":
		return Answered{At: w.now, Operation: SubmitReceipt, Call: call, Sale: sale, Result: result(0)}
	case "vended":
		item := ""
		for _, i := range w.s.Sale.Items {
			if i.Outcome == Pending {
				item = i.ID
			}
		}
		return VendEnded{w.now, sale, or("item", item), ItemOutcome(arg(0, "")), reason.Why(arg(1, ""))}
	case "cancel":
		return CancelPressed{w.now, opt["sale"]}
	case "left":
		return PageLeft{w.now, sale}
	case "retry":
		return RetryPressed{w.now}
	case "notified":
		return Notified{w.now, or("secret", w.s.Sale.Secret)}
	case "fault":
		return FaultRaised{w.now, faultOf(arg(0, ""), arg(1, ""))}
	case "clear":
		return FaultCleared{w.now, reason.Why(arg(0, ""))}
	case "open":
		return SlotsOpened{w.now, plain, "technician"}
	case "accept":
		return LossAccepted{w.now, or("request", "q1"), "technician", strings.Join(plain, " ")}
	case "stop":
		return SaleStopped{w.now, "technician"}
	case "service":
		w.acts++
		v := Service{ID: fmt.Sprintf("t%d", w.acts), Act: Act(arg(0, "vend")), Slot: arg(1, "A1"), By: or("by", "anna")}
		switch v.Act {
		case PulseRelay:
			v.On = time.Duration(number(or("s", "2"))) * time.Second
		}
		return ServiceBegan{w.now, or("request", "q1"), v}
	case "count":
		w.acts++
		n := arg(1, "10")
		return StockCounted{w.now, or("request", "q1"), fmt.Sprintf("t%d", w.acts), arg(0, "A1"), or("by", "anna"),
			number(n), n[0] == '+'}
	case "served":
		return ServiceEnded{w.now, or("act", w.s.Service.ID), ItemOutcome(arg(0, "")), reason.Why(arg(1, ""))}
	case "resolve":
		return SaleResolved{w.now, "v1", w.known[sale],
			Verdict{Decision(arg(0, "")), "technician", "looked at it", opt["hand"] == "yes",
				sek(opt["amount"])}}
	case "want":
		return w.wanted(opt, arg(0, ""), sek)
	case "command":
		order := Order(arg(1, ""))
		e := Commanded{At: w.now, Request: or("request", "q1"),
			Command: Command{ID: arg(0, "c1"), Order: order, By: or("by", "anna"), Reason: or("why", "checked")}}
		if order == ResolveSale || order == RefundSale {
			e.Sale, e.Verdict = w.known[sale], Verdict{Decision: Decision(arg(2, "")), Amount: sek(opt["amount"])}
		}
		return e
	case "tick":
		at, ok := w.s.Wake()
		if !ok {
			w.t.Fatal("nothing to wake for")
		}
		w.now = max(w.now, at)
		return Ticked{w.now}
	}
	w.t.Fatalf("no event %q", word)
	return nil
}

// shelf is what a boot brings: A1 for 15.00 and A2 for 22.50, five of each, but where the line says otherwise. A1=3 is
// three of them, A1=3@40.00 for another price; A1=3,charged has a dispenser whose unknown outcome is charged, and
// A1=3,machine is chosen at a machine of its own. A later boot brings the same again.
func (w *teller) shelf(opt map[string]string, sek func(string) money.Amount) ([]Slot, map[string]int) {
	if w.slots == nil {
		w.slots = map[string]Slot{}
		w.first = map[string]int{"A1": 5, "A2": 5}
		for id, price := range map[string]string{"A1": "15.00", "A2": "22.50"} {
			w.slots[id] = Slot{ID: id, Name: "Product", Price: sek(price), MaxVend: 5 * time.Second}
		}
	}
	for id, what := range opt {
		if strings.ToUpper(id) != id {
			continue
		}
		what, kind, _ := strings.Cut(what, ",")
		count, price, priced := strings.Cut(what, "@")
		n, err := strconv.Atoi(count)
		if err != nil {
			w.t.Fatal(err)
		}
		s := w.slots[id]
		s.ID, s.Name, s.MaxVend, s.UnknownCharged, s.AtMachine = id, "Product", 5*time.Second, kind == "charged",
			kind == "machine"
		if priced {
			s.Price = sek(price)
		}
		w.slots[id], w.first[id] = s, n
	}
	var shelf []Slot
	for _, id := range slices.Sorted(maps.Keys(w.slots)) {
		shelf = append(shelf, w.slots[id])
	}
	return shelf, maps.Clone(w.first)
}

// wanted is what the desk wants: A1=3@17.00 is a price for what is in A1, and three of it; A1=@17.00 leaves the stock.
// Without slots it is withdrawn.
func (w *teller) wanted(opt map[string]string, version string, sek func(string) money.Amount) Event {
	e := PlanogramSet{At: w.now, Request: "q1", Planogram: Planogram{Version: version, By: "anna"}}
	e.Shelf, _ = w.shelf(nil, sek)
	for _, id := range slices.Sorted(maps.Keys(opt)) {
		count, price, _ := strings.Cut(opt[id], "@")
		e.Planogram.Labels = append(e.Planogram.Labels, Label{Slot: id, Name: "Wanted", Price: sek(price)})
		if n, err := strconv.Atoi(count); err == nil {
			if e.Stock == nil {
				e.Stock = map[string]int{}
			}
			e.Stock[id] = n
		}
	}
	return e
}

// faultOf is a fault: a hard one, one of a slot alone, or neither.
func faultOf(name, what string) Fault {
	f := Fault{Name: reason.Why(name), Hard: what == "hard"}
	if what != "" && !f.Hard {
		f.Slots = []string{what}
	}
	return f
}

// storyStates are the states that the stories pass through, each transition judged on the way.
func storyStates(t *testing.T) []node {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var nodes []node
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := node{now: Instant(time.Hour)}
		w := &teller{t: t, now: n.now, known: map[string]Sale{}, each: func(e Event, told bool) {
			n = visit(t, n, e)
			if !told {
				return
			}
			nodes = append(nodes, n)
			said := Answered{Operation: AskStatus, At: n.now, Call: n.s.Live.Waiting, Sale: n.s.Sale.ID,
				Result: Result{Kind: Done}, Status: StatusCanceled}
			switch len(nodes) % 3 { // what must be said twice has been said once
			case 1:
				said.Status = StatusFailed
			case 2:
				said.Result, said.Status = refused(54), ""
			}
			if next, _, _ := Step(n.s, said); next.Live.Heard != n.s.Live.Heard {
				nodes = append(nodes, visit(t, n, said))
			}
		}}
		w.tell(string(script))
	}
	return nodes
}
