package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/proof/port"
)

// emptyHub writes the config of a hub with an empty database, and what more says.
func emptyHub(t *testing.T, more string) (config string) {
	t.Helper()
	dir := t.TempDir()
	config = filepath.Join(dir, "hub.toml")
	text := "database = 'sqlite://" + dir + "/hub.db'\nservers = ['nats://" + port.Free() + "']\n" + more
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := says(t, "migrate", "--config", config); err != nil {
		t.Fatal(out, err)
	}
	return config
}

// TestWhatIsWantedIsSetShownAndWithdrawn, each for whom it is said.
func TestWhatIsWantedIsSetShownAndWithdrawn(t *testing.T) {
	config := emptyHub(t, "")
	file := filepath.Join(t.TempDir(), "juices.json")
	if err := os.WriteFile(file, []byte(`{"slots":{"A1":{"name":"Ä \"juice\" <1>","price":"17.00","stock":8}}}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	want := func(args ...string) string {
		t.Helper()
		out, err := says(t, append(append([]string{"want"}, args...), "--config", config)...)
		if err != nil {
			t.Fatalf("%q: %s, %v", args, out, err)
		}
		return out
	}
	if out := want("show"); out != "" {
		t.Errorf("of an empty database: %q", out)
	}
	out := want("set", "--all", "7310070000017=17.00", "A1=9", "--from", "2031-01-01T00:00:00+01:00", "--by", "anna")
	if !strings.Contains(out, "of all is wanted from 20") {
		t.Error(out)
	}
	want("set", "--machine", "K1", file, "--by", "bert")
	want("set", "--group", "nord", "B2=22.50", "--by", "anna")
	out = want("show")
	for _, line := range []string{`by anna: {"slots":{"A1":{"price":"9"}},"products":{"7310070000017":{"price":"17.00"}}}`,
		"kiosk K1 version ", `by bert: {"slots":{"A1":{"name":"Ä \"juice\" \u003c1\u003e","price":"17.00","stock":8}}}`,
		"group nord version "} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is not in\n%s", line, out)
		}
	}
	want("withdraw", "--group", "nord", "--by", "carl")
	if out = want("show"); !strings.Contains(out, "by carl: {}") || strings.Contains(out, "22.50") ||
		!strings.Contains(out, "bert") {
		t.Errorf("withdrawn of one group:\n%s", out)
	}
	c := kioskhub(t, "want", "set", "--group", "nord", "-", "--by", "anna", "--config", config)
	c.Stdin = strings.NewReader(`{"products":{"7310070000017":{"vat":12}}}`)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("from a pipe: %s, %v", out, err)
	}
}

// TestWhatCannotBeWantedIsRefusedWithWhatToWrite, and nothing of it is written down.
func TestWhatCannotBeWantedIsRefusedWithWhatToWrite(t *testing.T) {
	config := emptyHub(t, "")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"as 17.00", []string{"--all", "A1=17,5"}},
		{"as 17.00", []string{"--all", "A1=1e3"}},
		{"as 17.00", []string{"--all", "A1=-1"}},
		{"as 17.00", []string{"--all", "A1=1.5", "B1=1.2345"}},
		{"write SLOT=PRICE", []string{"--all", "A1="}},
		{"write SLOT=PRICE", []string{"--all", "A1=1", "=2"}},
		{"said twice", []string{"--all", "A1=1", "A1=2"}},
		{"at least one of the flags", []string{"A1=1"}},
		{"none of the others can be", []string{"--all", "--machine", "K1", "A1=1"}},
		{"is no moment", []string{"--all", "A1=1", "--from", "tomorrow"}},
		{"is no kiosk", []string{"--machine", "K.1", "A1=1"}},
		{"one file", []string{"--all", "a.json", "b.json"}},
		{"no such file", []string{"--all", filepath.Join(dir, "none.json")}},
		{"wants nothing", []string{"--all", file("empty.json", `{}`)}},
		{"unknown field", []string{"--all", file("odd.json", `{"slots":{"A1":{"prize":"1"}}}`)}},
		{"something follows", []string{"--all", file("two.json", `{"slots":{"A1":{"vat":1}}}{}`)}},
		{"one machine's", []string{"--all", file("stock.json", `{"slots":{"A1":{"stock":1}}}`)}},
		{"0 to 100", []string{"--all", file("vat.json", `{"slots":{"A1":{"vat":101}}}`)}},
		{"one line", []string{"--all", file("name.json", `{"slots":{"A1":{"name":"a\nb"}}}`)}},
		{"8 to 14 digits", []string{"--all", file("ean.json", `{"products":{"A1":{"price":"1"}}}`)}},
		{"larger than", []string{"--all", file("large.json", strings.Repeat(" ", 300<<10))}},
		{"--by NAME", []string{"--all", "A1=1", "--by", " "}},
	} {
		args := append([]string{"want", "set", "--config", config, "--by", "anna"}, c.args...)
		if out, err := says(t, args...); err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%q: %s, %v", c.args, out, err)
		}
	}
	if out, err := says(t, "want", "show", "--config", config); err != nil || out != "" {
		t.Errorf("%s, %v", out, err)
	}
}
