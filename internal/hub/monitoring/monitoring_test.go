package monitoring

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
)

const root = "../../.."

// told are the metrics that a program tells, by what its code writes.
func told(t *testing.T, folder, prefix string, pattern *regexp.Regexp) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			names = append(names, prefix+m[1])
		}
	}
	return names
}

// exposed are the metrics of all programs of a fleet. A histogram has a sum and a count besides.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	written := regexp.MustCompile(`(?:family|gauge|labelled)\((?:w|out), "([a-z_]+)"`)
	named := regexp.MustCompile("[\"`](kiosk(?:hub|gate)_[a-z_]+)[\"`{]")
	braced := regexp.MustCompile(`(kioskd_[a-z_]+)\{`)
	all := map[string]bool{"up": true}
	for folder, c := range map[string]struct {
		prefix  string
		pattern *regexp.Regexp
		least   int
	}{"internal/debug": {"kioskd_", written, 10}, "internal/hub/watch": {"kioskhub_", written, 12},
		"internal/host": {"", braced, 1}, "internal/hub/collect": {"", named, 5}, "internal/gate": {"", named, 5}} {
		names := told(t, folder, c.prefix, c.pattern)
		if len(names) < c.least {
			t.Fatalf("%s tells %q: this looks at something else", folder, names)
		}
		for _, name := range names {
			all[name], all[name+"_sum"], all[name+"_count"] = true, true, true
		}
	}
	var process bytes.Buffer
	metrics.WriteProcessMetrics(&process)
	for line := range strings.Lines(process.String()) {
		name, _, _ := strings.Cut(line, " ")
		all[name] = true
	}
	return all
}

// unknown are the names in an expression that are neither a function nor a metric.
func unknown(expr string, metrics map[string]bool) (names []string) {
	words := []string{"absent", "sum", "max", "rate", "increase", "by", "and"}
	expr = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|by \([a-z, ]*\)`).ReplaceAllString(expr, " ")
	for _, name := range regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`).FindAllString(expr, -1) {
		if !metrics[name] && !slices.Contains(words, name) {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryMetricOfTheRulesAndTheDashboardIsTold(t *testing.T) {
	all := exposed(t)
	rules, err := files.ReadFile("files/kiosks.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	exprs := regexp.MustCompile(`(?m)^ +expr: (.*)$`).FindAllStringSubmatch(string(rules), -1)
	alerts := strings.Count(string(rules), "- alert: ")
	if len(exprs) != alerts || alerts < 15 {
		t.Fatalf("%d alerts and %d expressions", alerts, len(exprs))
	}
	for _, e := range exprs {
		if names := unknown(e[1], all); names != nil {
			t.Errorf("the rule %s: nobody tells %q", e[1], names)
		}
	}
	text, err := files.ReadFile("files/kiosks.dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		UID, Title  string
		Panels      []panel
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if p.Title == "" || ids[p.ID] || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("a panel without a title, an id of its own, a query or room: %+v", p)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			if names := unknown(q.Expr, all); names != nil || q.Expr == "" {
				t.Errorf("the panel %q: nobody tells %q", p.Title, names)
			}
		}
	}
	for _, a := range board.Annotations.List {
		if names := unknown(a.Expr, all); names != nil {
			t.Errorf("an annotation: nobody tells %q", names)
		}
	}
	if board.UID == "" || len(ids) < 15 {
		t.Errorf("the dashboard %q has %d panels", board.Title, len(ids))
	}
	if got := unknown(`max by (kind) (kioskhub_alarmz{kind="fork"}[5m]) > 0`, all); len(got) != 1 {
		t.Errorf("a name that is wrong was not noticed: %q", got)
	}
}

type panel struct {
	ID      int
	Title   string
	GridPos struct{ X, W int }
	Targets []struct{ Expr string }
}

func TestPrometheusTakesTheRulesAndTheyFireWhenTheyShould(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: it is in Debian's package prometheus")
	}
	dir := t.TempDir()
	written, err := Write(dir)
	if err != nil || len(written) != 2 {
		t.Fatalf("%q, %v", written, err)
	}
	rules := filepath.Join(dir, "kiosks.rules.yml")
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", rules).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("testdata/kiosks.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(dir, "test.yml")
	if err := os.WriteFile(tests, bytes.ReplaceAll(text, []byte("RULES"), []byte(rules)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", tests).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
