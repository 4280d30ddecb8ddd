package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/debug/api"
	"kioskd/internal/totals"
)

// withReseller gives the config a reseller.
func (r *rig) withReseller() {
	r.t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	own := strings.ReplaceAll(string(text), "#reseller", "reseller")
	if err := os.WriteFile(r.config, []byte(own), 0o644); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "reseller.password"), []byte("1234\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// TestTheBooksAreClosedByCommand: every sale's verdict, with Glase's report to show for it, what is sold as a
// spreadsheet, totals and an audit, and what stands in the way of each.
func TestTheBooksAreClosedByCommand(t *testing.T) {
	r := newRig(t)
	r.withReseller()
	r.world()
	run := func(args ...string) (string, string, int) {
		return kioskd(t, append(args, "--config", r.config)...)
	}
	if out, e, exit := run("report", "--last"); exit != 1 || !strings.Contains(e, "no report was made yet") {
		t.Errorf("before there is one: exit %d, %s%s", exit, out, e)
	}
	first, second := r.sell(), r.sell()
	if out, e, exit := run("refund", second, "--amount", "5.00", "--reason", "it was warm"); exit != 0 {
		t.Fatalf("exit %d, %s%s", exit, out, e)
	}
	out, e, exit := run("report", "--all", "--by", "anna", "--dts", filepath.Join(r.dir, "audit.eva"))
	if exit != 0 || !strings.Contains(out, "2 of 2 settled.") || !strings.Contains(out, first) ||
		!strings.Contains(strings.Join(strings.Fields(out), " "), second+" settled 10.00 10.00 SEK") ||
		!strings.Contains(e, "Waiting for Glase's reports") {
		t.Errorf("the report: exit %d\n%s%s", exit, out, e)
	}
	if out, e, exit := run("receipt", first, "--print"); exit != 1 || !strings.Contains(e, "[printer] device") {
		t.Errorf("a receipt without a printer: exit %d, %s%s", exit, out, e)
	}
	if out, e, exit := run("report", "--last"); exit != 0 || !strings.Contains(out, "2 of 2 settled.") {
		t.Errorf("the same again: exit %d, %s%s", exit, out, e)
	}
	if audit, err := os.ReadFile(filepath.Join(r.dir, "audit.eva")); err != nil ||
		!strings.Contains(string(audit), "\r\nVA1*3000*2*3000*2\r\n") {
		t.Errorf("the audit is %s, %v", audit, err)
	}
	if out, e, exit := run("report", "--last", "--dts", filepath.Join(r.dir, "audit.eva")); exit != 1 ||
		!strings.Contains(e, "there already") {
		t.Errorf("an audit over another: exit %d, %s%s", exit, out, e)
	}
	if out, e, exit := run("report", "--last", "--dts", "-"); exit != 0 || !strings.HasPrefix(out, "DXS*") ||
		!strings.HasSuffix(out, "DXE*1*1\r\n") {
		t.Errorf("the audit on standard output: exit %d, %q %s", exit, out, e)
	}

	r.doubt()
	r.post(r.glase+"/faults", `{"rules": [{"operation": "executeReport", "fault": "result_code", "code": 21}]}`)
	if out, e, exit := run("report"); exit != 1 || !strings.Contains(out, "The report failed") ||
		!strings.Contains(out, "21") {
		t.Errorf("a report that is refused: exit %d\n%s%s", exit, out, e)
	}
	r.post(r.glase+"/faults", `{"rules": []}`)
	var told api.Report
	if out, e, exit := run("report", "--json"); exit != 1 || json.Unmarshal([]byte(out), &told) != nil ||
		told.Number != 2 || told.Verdicts["in_doubt"] != 1 || told.Settled() {
		t.Errorf("a doubt: exit %d\n%s%s", exit, out, e)
	}

	out, e, exit = run("sales", "--csv")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if exit != 0 || err != nil || len(rows) != 4 || rows[1][0] != first || rows[2][12] != "5.00" ||
		rows[1][6] != "Still water 50 cl" || rows[1][8] != "12" {
		t.Errorf("the spreadsheet: exit %d, %v\n%s%s", exit, err, out, e)
	}
	var sums totals.Totals
	if out, e, exit := run("sales", "--totals", "--json"); exit != 0 || json.Unmarshal([]byte(out), &sums) != nil ||
		sums.Charged != "30.00" || sums.Paid != "25.00" || sums.InDoubt != 1 || len(sums.Days) != 1 {
		t.Errorf("the totals: exit %d\n%s%s", exit, out, e)
	}
	if out, e, exit := run("sales", "--totals"); exit != 0 || !strings.Contains(out, "all, SEK") ||
		!strings.Contains(out, "12 %") || !strings.Contains(out, "1 sales stand in doubt") {
		t.Errorf("the totals: exit %d\n%s%s", exit, out, e)
	}
	if out, e, exit := run("sales", "--csv", "--from", "2020-01-01", "--to", "2020-12-31"); exit != 0 ||
		strings.Count(out, "\n") != 1 {
		t.Errorf("a year without sales: exit %d\n%s%s", exit, out, e)
	}
	for _, bad := range [][]string{
		{"--csv", "--from", "yesterday"}, {"--csv", "--to", "2026-13-01"}, {"--from", "2026-01-01"},
		{"--csv", "--totals"}, {"--csv", first}, {"--totals", "--from", "2026-02-01", "--to", "2026-01-01"},
	} {
		if out, e, exit := run(append([]string{"sales"}, bad...)...); exit != 1 || e == "" || out != "" {
			t.Errorf("sales %v: exit %d, %q %q", bad, exit, out, e)
		}
	}
}

// TestAReportNeedsAReseller: and says which lines of the config are missing.
func TestAReportNeedsAReseller(t *testing.T) {
	r := newRig(t)
	r.world()
	if out, e, exit := kioskd(t, "report", "--config", r.config); exit != 1 || !strings.Contains(out, "reseller_id") {
		t.Errorf("exit %d\n%s%s", exit, out, e)
	}
}
