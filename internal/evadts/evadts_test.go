package evadts

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// read is a parser of audits: what a back office makes of one. It refuses what is not framed, counted and summed right.
func read(text string) (map[string][][]string, error) {
	lines := strings.Split(text, "\r\n")
	if lines[len(lines)-1] != "" {
		return nil, fmt.Errorf("the last line does not end")
	}
	lines = lines[:len(lines)-1]
	found := map[string][][]string{}
	for i, line := range lines {
		if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			return nil, fmt.Errorf("%q is no ASCII", line)
		}
		f := strings.Split(line, "*")
		found[f[0]] = append(found[f[0]], f)
		want := map[int]string{0: "DXS", 1: "ST", len(lines) - 3: "G85", len(lines) - 2: "SE", len(lines) - 1: "DXE"}[i]
		if want != "" && f[0] != want {
			return nil, fmt.Errorf("line %d is %q, not %s", i, line, want)
		}
	}
	if n := fmt.Sprint(len(lines) - 2); found["SE"][0][1] != n || found["SE"][0][2] != found["ST"][0][2] {
		return nil, fmt.Errorf("%s lines, and it says %v", n, found["SE"][0])
	}
	begin, end := strings.Index(text, "ST*"), strings.Index(text, "G85*")
	sum := uint32(0) // as a table does it, bit by bit from the other side
	for _, b := range []byte(text[begin:end]) {
		for bit := range 8 {
			in := uint32(b>>bit) & 1
			out := sum & 1
			sum >>= 1
			if in^out == 1 {
				sum ^= 0xA001
			}
		}
	}
	if want := fmt.Sprintf("%04X", sum); found["G85"][0][1] != want {
		return nil, fmt.Errorf("the sum is %s, and it says %v", want, found["G85"][0])
	}
	return found, nil
}

// number is a line's field, by its name in the standard: VA101 is number(all, "VA1", 0, 1).
func number(t *testing.T, all map[string][][]string, name string, line, field int) int {
	t.Helper()
	if line >= len(all[name]) || field >= len(all[name][line]) {
		t.Fatalf("%s has no line %d with a field %d: %v", name, line, field, all[name])
	}
	n, err := strconv.Atoi(all[name][line][field])
	if err != nil {
		t.Fatalf("%v: %v", all[name][line], err)
	}
	return n
}

func audit() Audit {
	return Audit{
		Serial: "100000004d0e1f2a", Name: "Reception, östra", Terminal: "2469e0bf14214797880cafb0eda1b535",
		Program: "0.2.0+697e0a7", Currency: "SEK", Readings: 3,
		Read: time.Date(2026, 11, 27, 6, 5, 4, 0, time.UTC), Before: time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC),
		Slots: []Slot{
			{ID: "A1", Name: "Blåbärssoppa 25 cl*ny", Price: 1500, Total: Sold{12, 17700}, Since: Sold{2, 3000},
				Failed: 1, Fails: 4},
			{ID: "A2", Price: 2250, Total: Sold{1, 2250}},
		},
	}
}

func TestAnAuditIsReadBack(t *testing.T) {
	var text strings.Builder
	if err := audit().Write(&text); err != nil {
		t.Fatal(err)
	}
	all, err := read(text.String())
	if err != nil {
		t.Fatalf("%v:\n%s", err, text.String())
	}
	for _, w := range []struct {
		name              string
		line, field, want int
	}{
		{"ID4", 0, 1, 2}, {"ID4", 0, 2, 1752}, {"VA1", 0, 1, 19950}, {"VA1", 0, 2, 13}, {"VA1", 0, 3, 3000},
		{"VA1", 0, 4, 2}, {"DA2", 0, 1, 19950}, {"DA2", 0, 4, 2}, {"PA1", 0, 2, 1500}, {"PA2", 0, 1, 12},
		{"PA2", 0, 2, 17700}, {"PA2", 0, 3, 2}, {"PA2", 0, 4, 3000}, {"PA2", 1, 3, 0}, {"LA1", 0, 1, 1},
		{"LA1", 1, 4, 1},
		{"EA2", 0, 2, 1}, {"EA2", 0, 3, 4}, {"EA3", 0, 1, 3}, {"EA3", 0, 2, 20261127}, {"EA3", 0, 5, 20261126},
	} {
		if got := number(t, all, w.name, w.line, w.field); got != w.want {
			t.Errorf("%s of line %d is %d, want %d: %v", w.name, w.line, got, w.want, all[w.name])
		}
	}
	if got := all["PA1"][0]; got[1] != "A1" || got[3] != "Blabarssoppa 25 cl n" || len(all["PA1"][1]) != 3 {
		t.Errorf("selections %v", all["PA1"])
	}
	if got := all["DXS"][0][1]; got != "100000004d" {
		t.Errorf("the machine is %q", got)
	}
	for _, none := range []string{"CA1", "CA2", "TA2", "BA1"} {
		if all[none] != nil {
			t.Errorf("%s is there, and the machine takes no coins", none)
		}
	}
}

// TestNoNameBreaksAnAudit: a product may be called anything.
func TestNoNameBreaksAnAudit(t *testing.T) {
	for _, name := range []string{"*", "a\r\nG85*0000", strings.Repeat("ö", 100), "日本", "\x00\x7f", "'=1+1"} {
		a := audit()
		a.Name, a.Serial, a.Slots[0].Name, a.Slots[0].ID = name, name, name, name
		var text strings.Builder
		if err := a.Write(&text); err != nil {
			t.Fatal(err)
		}
		if _, err := read(text.String()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	a := audit()
	a.Currency = "XYZ"
	if err := a.Write(&strings.Builder{}); err == nil {
		t.Error("an audit without a currency")
	}
}

// TestTheSumIsThatOfTheStandard: the value that tables of check sums give for "123456789".
func TestTheSumIsThatOfTheStandard(t *testing.T) {
	if got := crc("123456789"); got != 0xBB3D {
		t.Errorf("%04X", got)
	}
}
