package receipt

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kioskd/fsm"
	"kioskd/internal/money"
	"kioskd/internal/words"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sek(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }

func item(name string, price int64, vat int, outcome fsm.ItemOutcome) fsm.Item {
	return fsm.Item{Name: name, Price: sek(price), VAT: vat, Outcome: outcome}
}

// bought is a sale of two products that were paid.
func bought() fsm.Sale {
	return fsm.Sale{ID: "7GQ2K4MX", Flow: fsm.Reservation, State: fsm.Charged, Ended: true,
		Items: []fsm.Item{
			item("Still water 50 cl", 1500, 12, fsm.Delivered),
			item("Äppeljuice från Österlen, ekologisk, 33 cl", 2250, 12, fsm.Delivered),
			item("Tidning", 4900, 6, fsm.Delivered),
			item("Nuts", 2900, 12, fsm.NotDelivered),
		},
		Payment: fsm.Payment{Charged: sek(8650), ErsReference: "1397222701693"}}
}

// whole fills in what the machine knows.
func whole(t *testing.T, sale fsm.Sale, language string) Receipt {
	t.Helper()
	h := Head{"Lobby", language, time.FixedZone("CET", 3600)}
	r, err := h.Of(sale, time.Date(2026, 11, 27, 11, 30, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err := h.Of(sale, time.Unix(60, 0)); err != nil || !wrong.At.IsZero() {
		t.Errorf("a minute after power-on it is %v (%v)", wrong.At, err)
	}
	return r
}

func TestAReceiptReadsAsItShould(t *testing.T) {
	part, back := bought(), bought()
	part.Refunded = sek(500)
	back.Flow, back.Items, back.Charged, back.Refunded = fsm.Sticker, back.Items[3:], sek(2900), sek(2900)
	back.State = fsm.Refunded
	clockless := whole(t, bought(), "de")
	clockless.At, clockless.Copy = time.Time{}, true
	for name, r := range map[string]Receipt{
		"bought": whole(t, bought(), "sv"), "part": whole(t, part, "en"), "back": whole(t, back, "fi"),
		"clockless": clockless,
	} {
		for file, got := range map[string]string{
			name + ".txt":    strings.Join(r.Text(42), "\n") + "\n",
			name + "-32.txt": strings.Join(r.Text(32), "\n") + "\n",
			name + ".html":   r.HTML(),
		} {
			file = filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil || got != string(want) {
				t.Errorf("%s (%v):\n%s", file, err, got)
			}
		}
	}
}

// TestAReceiptHasWhatGlaseAsksFor in each language, as text and as a page.
func TestAReceiptHasWhatGlaseAsksFor(t *testing.T) {
	for _, language := range words.Languages() {
		r := whole(t, bought(), language)
		page := r.HTML()
		text := strings.Join(r.Text(48), "\n")
		for _, want := range []string{"Lobby", "Glase payment", plain(sek(8650).Local(language)), "1397222701693",
			"2026-11-27 12:30:05 CET", "Still water 50 cl", "Tidning"} {
			if !strings.Contains(text, want) || !strings.Contains(plain(page), want) {
				t.Errorf("%s: %q is missing in\n%s\n%s", language, want, text, page)
			}
		}
		if strings.Contains(text, "Nuts") || strings.Contains(page, "Nuts") {
			t.Errorf("%s: what was not charged is on it:\n%s", language, text)
		}
	}
}

func TestVATIsRoundedOnceForEachRate(t *testing.T) {
	r := Receipt{Total: sek(30_00)}
	for range 3 { // each alone would be 0.05 of VAT, together they are 0.16
		r.Rows = append(r.Rows, Row{Price: sek(50), VAT: 12})
	}
	r.Rows = append(r.Rows, Row{Price: sek(106), VAT: 6}, Row{Price: sek(9), VAT: 0}, Row{Price: sek(3), VAT: 100},
		Row{Price: sek(1000), VAT: 25, Back: true})
	want := []VAT{{6, sek(106), sek(6)}, {12, sek(150), sek(16)}, {100, sek(3), sek(2)}}
	got := r.VAT()
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for n := range want {
		if got[n] != want[n] {
			t.Errorf("%v, want %v", got[n], want[n])
		}
	}
	if r.Refunded = r.Total; len(r.VAT()) != 0 {
		t.Errorf("all went back, and there is VAT: %v", r.VAT())
	}
}

func TestASaleWithoutAPaymentHasNoReceipt(t *testing.T) {
	for want, change := range map[error]func(*fsm.Sale){
		ErrOpen:   func(s *fsm.Sale) { s.Ended, s.State = false, fsm.Open },
		ErrDoubt:  func(s *fsm.Sale) { s.State = fsm.InDoubt },
		ErrUnpaid: func(s *fsm.Sale) { s.Charged, s.State = money.Amount{}, fsm.Released },
	} {
		s := bought()
		change(&s)
		if r, err := (Head{}).Of(s, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%v, want %v: %+v", err, want, r)
		}
	}
}

// TestNoTextLeavesItsPlace: what a name or Glase's word has in it neither steers a printer nor becomes HTML, and no
// line is wider than the paper.
func TestNoTextLeavesItsPlace(t *testing.T) {
	const evil = "a\x1b@\n\x00\u202e<script>\"&'" + "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
	for width := 0; width < 60; width++ {
		r := Receipt{Head: Head{Machine: evil, Language: evil}, Sale: evil, ErsReference: evil, Total: sek(1 << 50),
			Rows: []Row{{Name: evil, Price: sek(1 << 50), VAT: 12}}}
		for _, l := range r.Text(width) {
			if n := utf8.RuneCountInString(l); n > max(width, WidthMin) {
				t.Fatalf("a line of %d on %d: %q", n, width, l)
			}
			if strings.ContainsAny(l, "\x1b\n\x00\u202e\u00a0") {
				t.Fatalf("%q", l)
			}
		}
		if h := r.HTML(); strings.Contains(h, "<script") || strings.Contains(h, `lang="a`) {
			t.Fatal(h)
		}
	}
}
