package books

import (
	"fmt"
	"strings"
	"testing"

	"kioskd/glase"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

func sale(id, state, charged, refunded string) journal.Numbered {
	s := journal.Numbered{
		Sale: journal.Sale{ID: id, State: state, Charged: charged, Refunded: refunded, Currency: "SEK"},
	}
	if charged != "0.00" {
		s.ErsReference = "ers-" + id
	}
	return s
}

// rowsOf reads "ers=minor ers=minor".
func rowsOf(text string) (rows []glase.StatementRow) {
	for _, f := range strings.Fields(text) {
		r := glase.StatementRow{Amount: money.Amount{Currency: "SEK"}}
		ers, amount, _ := strings.Cut(f, "=")
		if _, err := fmt.Sscan(amount, &r.Amount.Minor); err != nil {
			panic(err)
		}
		r.ErsReference = ers
		rows = append(rows, r)
	}
	return rows
}

// TestEverySaleHasAVerdict: what Glase's rows make of one sale, or of several.
func TestEverySaleHasAVerdict(t *testing.T) {
	charged := sale("a", "charged", "15.00", "0.00")
	given := sale("a", "charged", "15.00", "5.00")
	back := sale("a", "refunded", "15.00", "15.00")
	for name, c := range map[string]struct {
		sales  []journal.Numbered
		before map[string]int64
		rows   string
		lost   string
		want   string
	}{
		"as it is here": {
			sales: []journal.Numbered{charged}, rows: "ers-a=1500",
			want: "a settled 15.00 15.00",
		},
		"nothing was charged": {
			sales: []journal.Numbered{sale("a", "released", "0.00", "0.00")},
			want:  "a settled 0.00 0.00",
		},
		"Glase has nothing": {
			sales: []journal.Numbered{charged},
			want:  "a missing_at_glase 15.00 0.00",
		},
		"Glase may have it elsewhere": {
			sales: []journal.Numbered{charged}, lost: "somewhere",
			want: "a unknown 15.00 0.00",
		},
		"nobody knows it here":         {rows: "x=1500", want: "x missing_here 0.00 15.00"},
		"paid and taken back by Glase": {rows: "x=1500 x=-1500", want: ""},
		"another sum": {
			sales: []journal.Numbered{charged}, rows: "ers-a=1400",
			want: "a amount_differs 15.00 14.00",
		},
		"more than it is, and not twice": {
			sales: []journal.Numbered{charged}, rows: "ers-a=1600",
			want: "a amount_differs 15.00 16.00",
		},
		"twice": {
			sales: []journal.Numbered{charged}, rows: "ers-a=1500 ers-a=1500",
			want: "a doubled 15.00 30.00",
		},
		"once more, a period later": {
			sales: []journal.Numbered{charged}, before: map[string]int64{"a": 1500}, rows: "ers-a=1500",
			want: "a doubled 15.00 30.00",
		},
		"a part back, under its own": {
			sales: []journal.Numbered{given}, rows: "ers-a=1500 r=-500",
			want: "a settled 10.00 10.00",
		},
		"a part back, under the payment": {
			sales: []journal.Numbered{given}, rows: "ers-a=1500 ers-a=-500",
			want: "a settled 10.00 10.00",
		},
		"a part back, a period later": {
			sales: []journal.Numbered{given}, before: map[string]int64{"a": 1500}, rows: "r=-500",
			want: "a settled 10.00 10.00",
		},
		"a part back, in two": {
			sales: []journal.Numbered{given}, rows: "ers-a=1500 r=-200 x=-100 s=-300",
			want: "a settled 10.00 10.00; x missing_here 0.00 -1.00",
		},
		"a part back that Glase lacks": {
			sales: []journal.Numbered{given}, rows: "ers-a=1500",
			want: "a amount_differs 10.00 15.00",
		},
		"all back": {
			sales: []journal.Numbered{back}, rows: "ers-a=1500 r=-1500",
			want: "a settled 0.00 0.00",
		},
		"all back, and Glase has neither": {
			sales: []journal.Numbered{back},
			want:  "a settled 0.00 0.00",
		},
		"back, and nobody knows of it": {
			sales: []journal.Numbered{charged}, rows: "ers-a=1500 x=-1500",
			want: "a settled 15.00 15.00; x missing_here 0.00 -15.00",
		},
		"two refunds of the same sum": {
			sales: []journal.Numbered{given, sale("b", "charged", "20.00", "5.00")},
			rows:  "ers-a=1500 ers-b=2000 r=-500 s=-500", want: "a settled 10.00 10.00; b settled 15.00 15.00",
		},
		"one refund for two that lack one": {
			sales: []journal.Numbered{given, sale("b", "charged", "20.00", "5.00")},
			rows:  "ers-a=1500 ers-b=2000 r=-500", want: "a settled 10.00 10.00; b amount_differs 15.00 20.00",
		},
		"came out and was not paid": {
			sales: []journal.Numbered{sale("a", "lost", "0.00", "0.00")},
			want:  "a settled 0.00 0.00",
		},
		"in doubt, and Glase knows": {
			sales: []journal.Numbered{sale("a", "in_doubt", "15.00", "0.00")}, rows: "ers-a=1500",
			want: "a in_doubt 15.00 15.00",
		},
		"in doubt, without a payment": {
			sales: []journal.Numbered{sale("a", "in_doubt", "0.00", "0.00")}, rows: "x=1500",
			want: "a in_doubt 0.00 0.00; x missing_here 0.00 15.00",
		},
	} {
		verdicts, _ := balance("SEK", c.sales, c.before, rowsOf(c.rows), c.lost)
		var got []string
		for _, v := range verdicts {
			who := v.Sale
			if who == "" {
				who = v.ErsReference
			}
			got = append(got, fmt.Sprint(who, " ", v.Verdict, " ", v.Here, " ", v.Glase))
			if v.Verdict != Settled && v.Verdict != AmountDiffers && v.Note == "" {
				t.Errorf("%s: %+v says nothing", name, v)
			}
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestWhatGlaseTookAndGaveBackIsCounted: nobody is owed anything, and the customer was told.
func TestWhatGlaseTookAndGaveBackIsCounted(t *testing.T) {
	if v, n := balance("SEK", nil, nil, rowsOf("x=1500 y=300 x=-1500 z=-300"), ""); len(v) != 0 || n != 2 {
		t.Errorf("%+v, %d", v, n)
	}
}

// TestManyStrangeRefundsEndSoon: what Glase lists is not ours to bound.
func TestManyStrangeRefundsEndSoon(t *testing.T) {
	var rows strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&rows, "r%d=-%d ", n, n+1)
	}
	v, _ := balance("SEK", []journal.Numbered{sale("a", "charged", "15.00", "7.00")}, nil,
		rowsOf("ers-a=1500 "+rows.String()), "")
	if v[0].Verdict != Settled || v[0].Glase != "8.00" || len(v) != 5000 {
		t.Errorf("%+v and %d more", v[0], len(v)-1)
	}
}
