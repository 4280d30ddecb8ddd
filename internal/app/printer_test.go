package app

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/hw/printer/printertest"
	"kioskd/internal/config"
	"kioskd/internal/receipt"
	"kioskd/internal/shop"
)

// withPrinter is a world whose machine has a receipt printer on a serial line.
func withPrinter(t *testing.T, flow string, story func(w *world, p *printertest.Printer)) {
	t.Helper()
	p := printertest.New(32)
	playIn(t, flow, func(c *config.Config) {
		c.Printer = config.Printer{Device: "/dev/ttyPrinter", Baud: 9600, Width: 32, CodePage: "cp1252"}
		c.Machine.Language = "sv"
		c.Slots[0].Name = "Smörgås på rågbröd"
	}, func(w *world) {
		w.serial = func(device string, _ int) (io.ReadWriteCloser, error) {
			if device != "/dev/ttyPrinter" {
				return nil, errors.New("there is no such port")
			}
			return p.Open()
		}
	}, func(w *world) { story(w, p) })
}

// sold is a sale of one sandwich, from the first button to its end.
func (w *world) sold(flow string) fsm.Sale {
	w.t.Helper()
	reference := ""
	if flow == "reservation" {
		reference = w.scan()
		w.confirm(reference)
		w.press("A1")
		w.press("cancel")
	} else {
		w.press("A1")
		reference = w.app.Kiosk.State().Sale.Reference
		w.confirm(reference)
	}
	sale := w.settled()
	w.money(reference, 1500)
	return sale
}

// ledger is what a sale came to, without what chance gave it.
func ledger(s fsm.Sale) string {
	var b strings.Builder
	for _, i := range s.Items {
		b.WriteString(i.Slot + " " + string(i.Outcome) + " " + i.Price.String() + "; ")
	}
	b.WriteString(string(s.State) + " " + s.Charged.String() + " " + s.Refunded.String() + " " + s.Note)
	return b.String()
}

// TestNoPrinterHarmsASale: with whatever printer, a sale comes to the same as without one, and takes no longer; so does
// the next one; and a printer that is helped prints the one after that.
func TestNoPrinterHarmsASale(t *testing.T) {
	for _, flow := range []string{"reservation", "invoice"} {
		var want string
		var took time.Duration
		play(t, flow, func(w *world) {
			began := time.Now()
			want = ledger(w.sold(flow))
			took = time.Since(began)
		})
		for name, harm := range map[string]func(*printertest.Printer){
			"well":                     func(*printertest.Printer) {},
			"out of paper":             func(p *printertest.Printer) { p.Paper(0) },
			"its last paper":           func(p *printertest.Printer) { p.Paper(3) },
			"cover open":               func(p *printertest.Printer) { p.Cover(true) },
			"unplugged":                (*printertest.Printer).Unplug,
			"unplugged in mid-receipt": func(p *printertest.Printer) { p.UnplugAfter(60) },
			"dead in mid-receipt":      func(p *printertest.Printer) { p.DeafAfter(60) },
			"blocked for ever":         func(p *printertest.Printer) { p.Deaf(true) },
			"slow":                     func(p *printertest.Printer) { p.Slow(100 * time.Millisecond) },
			"mute":                     func(p *printertest.Printer) { p.Mute(true) },
		} {
			t.Run(flow+"/"+name, func(t *testing.T) {
				withPrinter(t, flow, func(w *world, p *printertest.Printer) {
					harm(p)
					for n := range 2 {
						began := time.Now()
						got := ledger(w.sold(flow))
						if got = strings.ReplaceAll(got, "Smörgås på rågbröd", "Water"); got != want {
							t.Errorf("sale %d came to %s, and without a printer to %s", n+1, got, want)
						}
						if d := time.Since(began); d != took {
							t.Errorf("sale %d took %v, and without a printer %v", n+1, d, took)
						}
						time.Sleep(2 * time.Minute)
					}
					part := w.part("receipt printer")
					if well := name == "well" || name == "mute" || name == "slow"; part.OK != well ||
						(part.Do == "") != well {
						t.Errorf("the printer's part says %+v", part)
					}
					if s := w.app.Kiosk.State(); s.Stage != fsm.Ready || len(s.Faults) != 0 {
						t.Errorf("the machine is in %s: %v", s.Stage, s.Faults)
					}
					p.Plug()
					p.Paper(1000)
					p.Cover(false)
					p.Deaf(false)
					p.Slow(0)
					time.Sleep(time.Minute)
					if part := w.part("receipt printer"); !part.OK {
						t.Errorf("it was helped, and its part says %+v", part)
					}
					sale := w.sold(flow)
					time.Sleep(time.Minute)
					all := p.Pieces()
					if text := strings.Join(all[len(all)-1], "\n"); !strings.Contains(text, sale.ID) {
						t.Errorf("it was helped, and prints\n%s", text)
					}
				})
			})
		}
	}
}

// TestAReceiptIsPrintedOnce: with Swedish letters, when the sale has ended; and after a restart nothing old.
func TestAReceiptIsPrintedOnce(t *testing.T) {
	withPrinter(t, "reservation", func(w *world, p *printertest.Printer) {
		sale := w.sold("reservation")
		time.Sleep(time.Minute)
		all := p.Pieces()
		if len(all) != 1 {
			t.Fatalf("%d receipts: %q", len(all), all)
		}
		for _, want := range []string{"Kvitto", "Smörgås på rågbröd", "15,00 kr", "Glase payment", sale.ErsReference,
			sale.ID} {
			if !strings.Contains(strings.Join(all[0], "\n"), want) {
				t.Errorf("%q is missing in %q", want, all[0])
			}
		}
		if r := p.Refused(); len(r) > 0 {
			t.Errorf("refused: %q", r)
		}
		w.end()
		w.start()
		time.Sleep(time.Minute)
		if n := len(p.Pieces()); n != 1 {
			t.Errorf("after a restart %d receipts: %q", n, p.Pieces())
		}
		nothing := w.scan() // a sale for which nothing was paid
		w.confirm(nothing)
		w.press("cancel")
		w.settled()
		time.Sleep(time.Minute)
		if n := len(p.Pieces()); n != 1 {
			t.Errorf("for nothing a receipt was printed: %q", p.Pieces()[1:])
		}
		v := fsm.Verdict{Decision: fsm.Refund, By: "anna", Reason: "it was cold"}
		if err := w.app.Refund(w.t.Context(), sale.ID, "5.00", v); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if n := len(p.Pieces()); n != 1 {
			t.Errorf("for a refund a receipt was printed: %q", p.Pieces()[1:])
		}
		r, err := w.app.receipt(w.t.Context(), sale.ID)
		if err != nil || r.Refunded != sek(500) || r.Kept() != sek(1000) {
			t.Errorf("the receipt of the refunded sale: %+v, %v", r, err)
		}
		if err := w.app.desk.Print(w.t.Context(), r); err != nil {
			t.Error(err)
		}
		if all := p.Pieces(); len(all) != 2 || !slices.ContainsFunc(all[1], func(l string) bool {
			return strings.Contains(l, "Kopia")
		}) {
			t.Errorf("a copy: %q", all)
		}
	})
}

// TestAnOpenSaleHasNoReceipt, and an unknown one has none either.
func TestAnOpenSaleHasNoReceipt(t *testing.T) {
	play(t, "invoice", func(w *world) {
		w.press("A1")
		sale := w.app.Kiosk.State().Sale
		if _, err := w.app.receipt(w.t.Context(), sale.ID); !errors.Is(err, receipt.ErrOpen) {
			t.Errorf("an open sale: %v", err)
		}
		if r, err := w.app.receipt(w.t.Context(), "NOSUCH"); err == nil {
			t.Errorf("an unknown sale: %+v", r)
		}
		w.confirm(sale.Reference)
		sale = w.settled()
		r, err := w.app.receipt(w.t.Context(), sale.ID)
		if err != nil || r.Total != sek(1500) || len(r.Rows) != 1 || r.At.IsZero() {
			t.Errorf("a paid sale: %+v, %v", r, err)
		}
	})
}

// TestThePageSaysWhatAReceiptSays once the sale has ended: VAT, the way of paying, Glase's reference, sale and time.
func TestThePageSaysWhatAReceiptSays(t *testing.T) {
	vat := 12
	playWith(t, "web", func(c *config.Config) { c.Slots[0].VAT = &vat }, func(w *world) {
		b := w.browse()
		w.shows(b, shop.Choose)
		w.pays(w.order(b, "A1"))
		sale := w.settled()
		v := w.shows(b, shop.Ended)
		for _, want := range []string{"Water", "VAT 12%", "1.61", "Glase payment", sale.ErsReference, sale.ID,
			"2000-01-01"} {
			if !strings.Contains(v.HTML, want) {
				t.Errorf("%q is missing in\n%s", want, v.HTML)
			}
		}
	})
}
