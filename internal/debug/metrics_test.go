package debug

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kioskd/fsm"
	"kioskd/internal/journal"
)

// scrape gives the machine's own series and their values, as Prometheus reads them.
func scrape(t *testing.T, s *httptest.Server) map[string]string {
	t.Helper()
	r := ask(t, s, "GET", "/metrics", "")
	if r.code != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("a scrape answered %d %s", r.code, r.header)
	}
	series := map[string]string{}
	for line := range strings.Lines(r.body) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := cutLast(line, " ")
		if _, err := strconv.ParseFloat(value, 64); !ok || err != nil {
			t.Fatalf("not a sample: %q", line)
		}
		series[name] = value
	}
	return series
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func expect(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestTheMetricsSayHowTheMachineStands(t *testing.T) {
	k := newKiosk(fsm.State{Stage: fsm.Ready})
	sales := &fakeSales{sales: []journal.Sale{{ID: "s2", State: "in_doubt"}, {ID: "s1", State: "in_doubt"}}}
	s := serve(t, Config{Kiosk: k, Sales: sales})
	got := scrape(t, s)
	expect(t, got, map[string]string{
		`kioskd_build_info{version="1.2.3"}`:             "1",
		`kioskd_step{phase="idle",step="ready"}`:         "1",
		`kioskd_step{phase="dispensing",step="vending"}`: "0",
		`kioskd_closed_slots`:                            "0",
		`kioskd_sales_in_doubt`:                          "2",
		`kioskd_sales_total{state="in_doubt"}`:           "0",
		`kioskd_faults{name="door"}`:                     "",
	})
	if got["process_resident_memory_bytes"] == "" || got["go_goroutines"] == "" {
		t.Error("the process is not measured")
	}
	k.set(fsm.State{
		Stage: fsm.OutOfService, Reason: "door", Closed: []fsm.Closure{{Slot: "A1"}, {Slot: "A2"}},
		Faults: []fsm.Fault{{Name: "door"}, {Name: "journal"}, {Name: "door"}},
	})
	got = scrape(t, s)
	expect(t, got, map[string]string{
		`kioskd_step{phase="idle",step="ready"}`:          "0",
		`kioskd_step{phase="idle",step="out_of_service"}`: "1",
		`kioskd_closed_slots`:                             "2",
		`kioskd_faults{name="door"}`:                      "1",
		`kioskd_faults{name="journal"}`:                   "1",
	})
	ones := 0
	for name, value := range got {
		if strings.HasPrefix(name, "kioskd_step{") && value == "1" {
			ones++
		}
	}
	if ones != 1 {
		t.Errorf("the machine is in %d steps at once", ones)
	}
}

func TestEverySaleThatEndsIsCountedOnce(t *testing.T) {
	sales := &fakeSales{sales: []journal.Sale{{ID: "old2", State: "open"}, {ID: "old1", State: "charged"}}}
	s := serve(t, Config{Sales: sales})
	check := func(charged, released, doubt int) {
		t.Helper()
		expect(t, scrape(t, s), map[string]string{
			`kioskd_sales_total{state="charged"}`:  fmt.Sprint(charged),
			`kioskd_sales_total{state="released"}`: fmt.Sprint(released),
			`kioskd_sales_total{state="in_doubt"}`: fmt.Sprint(doubt),
			`kioskd_sales_total{state="lost"}`:     "0",
		})
	}
	check(0, 0, 0) // what ended before the start is not counted
	sales.sales[0].State = "in_doubt"
	check(0, 0, 1) // what the start found open is
	sales.add(journal.Sale{ID: "a", State: "charged"}, journal.Sale{ID: "b", State: "open"})
	check(1, 0, 1)
	check(1, 0, 1)
	sales.sales[0].State = "released"
	check(1, 1, 1)
	for n := range 40 { // more than the first look at the journal takes in
		sales.add(journal.Sale{ID: fmt.Sprint("c", n), State: "charged"})
	}
	check(41, 1, 1)
	sales.fail(errors.New("damaged"))
	sales.add(journal.Sale{ID: "d", State: "charged"})
	got := scrape(t, s)
	expect(t, got, map[string]string{`kioskd_sales_total{state="charged"}`: "41",
		`kioskd_step{phase="idle",step="ready"}`: "1"})
	if v, ok := got["kioskd_sales_in_doubt"]; ok {
		t.Errorf("a damaged journal has %s sales in doubt", v)
	}
	sales.fail(nil)
	check(42, 1, 1)
}

func TestTheFirstSalesOfANewMachineAreCounted(t *testing.T) {
	sales := &fakeSales{}
	s := serve(t, Config{Sales: sales})
	for n := range 20 {
		sales.add(journal.Sale{ID: fmt.Sprint(n), State: "charged"})
	}
	expect(t, scrape(t, s), map[string]string{`kioskd_sales_total{state="charged"}`: "20"})
}

func TestTheMetricsDoNotGrowWithTheSales(t *testing.T) {
	sales := &fakeSales{}
	k := newKiosk(fsm.State{Stage: fsm.Ready})
	s := serve(t, Config{Kiosk: k, Sales: sales})
	own := func() []string {
		var names []string
		for name := range scrape(t, s) {
			if strings.HasPrefix(name, "kioskd_") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	before := own()
	for n := range 1000 {
		sales.add(journal.Sale{ID: fmt.Sprint(n), State: "charged", Why: "46700000001", Note: fmt.Sprint("note ", n),
			InvoiceReference: "i"})
	}
	sales.add(journal.Sale{ID: "x", State: "of a later version"})
	k.set(fsm.State{Stage: fsm.Ready, Closed: []fsm.Closure{{Slot: "A1", Why: "jam"}}, Sale: fsm.Sale{ID: "s"}})
	if after := own(); !slices.Equal(before, after) {
		t.Errorf("the series were\n%s\nand are\n%s", before, after)
	}
}

func TestEveryStepAndEveryEndIsAMetric(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../fsm/state.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]map[string]bool{"Stage": {}, "SaleState": {}} // by type
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && words[of.Name] != nil {
			word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			words[of.Name][word] = true
		}
		return true
	})
	delete(words["SaleState"], string(fsm.Open)) // no end
	shown := map[string]bool{}
	for _, s := range stages() {
		shown[string(s)] = true
	}
	ends := map[string]bool{}
	for _, s := range endings() {
		ends[string(s)] = true
	}
	if !maps.Equal(shown, words["Stage"]) || !maps.Equal(ends, words["SaleState"]) {
		t.Errorf("the metrics know\n%v\n%v\nand the machine\n%v\n%v", shown, ends, words["Stage"], words["SaleState"])
	}
}
