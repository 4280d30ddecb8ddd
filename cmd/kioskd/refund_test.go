package main

import (
	"strings"
	"testing"
)

// sell has a customer buy one product, and gives the sale.
func (r *rig) sell() string {
	r.scan()
	r.until("a product may be chosen", func() bool { return r.step() == "choosing" })
	r.press("A1", func() bool { return r.step() == "choosing" && len(r.lastSale()["items"].([]any)) == 1 })
	r.press("cancel", func() bool { return r.step() == "ready" && r.lastSale()["state"] == "charged" })
	return r.lastSale()["id"].(string)
}

// TestASaleIsGivenBackByCommand: a part, never more than is left, and the rest, with Glase's ledger to show for it; and
// what to write when Glase does not let the merchant refund.
func TestASaleIsGivenBackByCommand(t *testing.T) {
	r := newRig(t)
	r.world()
	refund := func(args ...string) (string, string, int) {
		return kioskd(t, append([]string{"refund", "--config", r.config}, args...)...)
	}
	sale := r.sell()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no reason":    {[]string{sale}, "--reason"},
		"no such sale": {[]string{"7GQ2K4MX", "--reason", "r"}, "was charged"},
		"too much":     {[]string{sale, "--reason", "r", "--amount", "15.01"}, "more than the 15.00 SEK"},
		"nothing":      {[]string{sale, "--reason", "r", "--amount", "0.00"}, "15.00"},
		"no amount":    {[]string{sale, "--reason", "r", "--amount", "five"}, "15.00"},
		"a minus":      {[]string{sale, "--reason", "r", "--amount=-5.00"}, "15.00"},
	} {
		if out, e, exit := refund(c.args...); exit != 1 || !strings.Contains(e, c.says) {
			t.Errorf("%s: exit %d, %s%s", name, exit, out, e)
		}
	}
	if out, e, exit := refund(sale, "--amount", "5.00", "--reason", "it was warm", "--by", "anna"); exit != 0 ||
		!strings.Contains(out, "refunded 5.00 SEK") || !strings.Contains(out, "refund of 5.00 SEK, decided by anna") {
		t.Errorf("a part: exit %d, %s%s", exit, out, e)
	}
	if out, e, exit := refund(sale, "--amount", "10.01", "--reason", "r"); exit != 1 {
		t.Errorf("more than is left: exit %d, %s%s", exit, out, e)
	}
	r.post(r.glase+"/faults", `{"rules": [{"operation": "refundPayment", "fault": "result_code", "code": 97, "count": 1}]}`)
	if out, e, exit := refund(sale, "--reason", "r"); exit != 1 || !strings.Contains(out, "is charged") ||
		!strings.Contains(out, "Subject: Refund of payment") ||
		!strings.Contains(out, "the rest (15.00 less 5.00) SEK") {
		t.Errorf("refused: exit %d, %s%s", exit, out, e)
	}
	if out, e, exit := refund(sale, "--reason", "all of it", "--json"); exit != 0 ||
		!strings.Contains(out, `"state":"refunded"`) || !strings.Contains(out, `"refunded":"15.00"`) {
		t.Errorf("the rest: exit %d, %s%s", exit, out, e)
	}
	if out, e, exit := refund(sale, "--reason", "r"); exit != 1 {
		t.Errorf("once more: exit %d, %s%s", exit, out, e)
	}
	if other := r.sell(); other == sale {
		t.Error("no other sale")
	}
}
