package toolkits

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// clients are the toolkits' programs, which take the interface's address as their last argument.
var clients = []struct {
	name string
	run  []string
}{
	{"zeep", []string{"/usr/bin/python3", "zeep_bridge.py"}},
	{"suds", []string{"/usr/bin/python3", "suds_bridge.py"}},
	{"php", []string{"php", "bridge.php"}},
	{"npm", []string{"node", "bridge.mjs"}},
}

var scenes = []struct {
	name string
	play func(b bridge, s simulator)
}{
	{"basic payment", basicPayment},
	{"reservation", reservation},
	{"life of a terminal", lifeOfATerminal},
	{"refusals", refusals},
}

// TestStockToolkitsUnderstandGlase plays every scene with every toolkit.
func TestStockToolkitsUnderstandGlase(t *testing.T) {
	needToolkits(t)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			for _, scene := range scenes {
				t.Run(scene.name, func(t *testing.T) {
					s := startSimulator(t)
					in, out := program(t, nil, c.run[0], append(c.run[1:], s.wsdl())...)
					scene.play(bridge{t, in, out}, s)
				})
			}
		})
	}
}

// basicPayment is the documentation's first example: an invoice, its QR code, a PIN, and a receipt.
func basicPayment(b bridge, s simulator) {
	sent := b.code(0, "sendInvoice", sendInvoice{testTerminal,
		bill("IMMEDIATE_DEBIT", "basic 1", "45.50", "30.00", "15.50")})
	ref := sent.text("invoiceReference")
	if qr := sent.text("invoiceQRCode"); qr != "HTTP://SEQR.SE/R"+ref {
		b.t.Fatalf("the QR code is %s", qr)
	}
	if st := b.code(0, "getPaymentStatus", getPaymentStatus{testTerminal, ref, "0"}); st.text("status") != "ISSUED" {
		b.t.Fatalf("the status is %s", st.text("status"))
	}
	s.pay("HTTP://SEQR.SE/R" + ref)
	paid := b.code(0, "getPaymentStatus", getPaymentStatus{testTerminal, ref, "0"})
	ers := paid.text("ersReference")
	if paid.text("status") != "PAID" || ers == "" || paid.text("receipt.invoice.totalAmount.currency") != "SEK" ||
		paid.text("receipt.invoice.title") != "Kiosk & Åäö" {
		b.t.Fatalf("after the PIN: %v", paid)
	}
	if v := paid.text("receipt.invoice.totalAmount.value"); v != "45.50" && v != "45.5" { // a number, or its text
		b.t.Fatalf("%s was paid", v)
	}
	document := receiptDocument{"text/html", base64.StdEncoding.EncodeToString([]byte("<p>Tack!</p>")), "receipt"}
	b.code(0, "submitPaymentReceipt", submitPaymentReceipt{testTerminal, ers, document})
	b.code(23, "submitPaymentReceipt", submitPaymentReceipt{testTerminal, "2012000000000000", document})
	if l := s.ledger(ref); l != "charge 45.50" {
		b.t.Fatalf("the ledger says %s", l)
	}
}

// reservation is the unattended machine's: reserve, choose, and charge less.
func reservation(b bridge, s simulator) {
	v := bill("RESERVATION_REQUIRED_PRELIMINARY_AMOUNT", "reserved 1", "100.00", "100.00")
	v.Timeout = 600
	ref := b.code(0, "sendInvoice", sendInvoice{testTerminal, v}).text("invoiceReference")
	b.code(96, "commitReservation", commitReservation{testTerminal, kronor("37.50"), ref})
	s.pay("HTTP://SEQR.SE/R" + ref)
	if st := b.code(0, "getPaymentStatus", getPaymentStatus{testTerminal, ref, "0"}); st.text("status") != "RESERVED" {
		b.t.Fatalf("the status is %s", st.text("status"))
	}
	b.code(0, "updateInvoice", updateInvoice{testTerminal, ref,
		bill("RESERVATION_REQUIRED_PRELIMINARY_AMOUNT", "reserved 1", "37.50", "22.50", "15.00")})
	b.code(0, "commitReservation", commitReservation{testTerminal, kronor("37.50"), ref})
	if st := b.code(0, "getPaymentStatus", getPaymentStatus{testTerminal, ref, "0"}); st.text("status") != "PAID" ||
		st.text("ersReference") == "" {
		b.t.Fatalf("after the commit: %v", st)
	}
	if l := s.ledger(ref); l != "reserve 100.00, charge 37.50, release 62.50" {
		b.t.Fatalf("the ledger says %s", l)
	}
}

// lifeOfATerminal is what certification asks of a cash register, from its registration to its end.
func lifeOfATerminal(b bridge, s simulator) {
	id := b.code(0, "registerTerminal", registerTerminal{testReseller, "till 7", "n0t-a-s3cret", "Kassa 7"}).
		text("terminalId")
	till := terminal(id, "n0t-a-s3cret")
	b.code(0, "assignSeqrId", assignSeqrID{till, "TILL7"})

	first := b.code(0, "sendInvoice", sendInvoice{till, bill("IMMEDIATE_DEBIT", "till 1", "10.00", "10.00")}).
		text("invoiceReference")
	second := b.code(0, "sendInvoice", sendInvoice{till, bill("IMMEDIATE_DEBIT", "till 2", "25.00", "25.00")}).
		text("invoiceReference")
	if st := b.code(0, "getPaymentStatus", getPaymentStatus{till, first, "0"}); st.text("status") != "CANCELED" {
		b.t.Fatalf("a till's earlier invoice is %s", st.text("status"))
	}
	b.code(0, "cancelInvoice", ofInvoice{till, second})
	b.code(95, "cancelInvoice", ofInvoice{till, second})

	third := b.code(0, "sendInvoice", sendInvoice{till, bill("IMMEDIATE_DEBIT", "till 3", "80.00", "80.00")}).
		text("invoiceReference")
	s.pay("HTTP://SEQR.SE/QTILL7") // the sticker leads to the present invoice
	ers := b.code(0, "getPaymentStatus", getPaymentStatus{till, third, "0"}).text("ersReference")
	b.code(50, "cancelInvoice", ofInvoice{till, third})
	if back := b.code(0, "refundPayment",
		refundPayment{till, ers, bill("IMMEDIATE_DEBIT", "back 1", "30.00", "30.00")}).
		text("ersReference"); back == "" || back == ers {
		b.t.Fatalf("the refund's own reference is %q", back)
	}
	b.code(98, "refundPayment", refundPayment{till, ers, bill("IMMEDIATE_DEBIT", "back 2", "50.01", "50.01")})
	b.code(0, "refundPayment", refundPayment{till, ers, bill("IMMEDIATE_DEBIT", "back 3", "50.00", "50.00")})
	b.code(98, "refundPayment", refundPayment{till, ers, bill("IMMEDIATE_DEBIT", "back 4", "0.01", "0.01")})
	if l := s.ledger(third); l != "charge 80.00, refund 30.00, refund 50.00" {
		b.t.Fatalf("the ledger says %s", l)
	}

	of := func(more ...entry) parameters {
		return parameters{entries{append([]entry{{"TERMINALID", id}}, more...)}}
	}
	period := b.code(0, "markTransactionPeriod", markTransactionPeriod{testReseller, of()}).text("transactionPeriodId")
	ask := executeReport{testReseller, "Reconciliation/STD_RECON_006.xml", "en",
		of(entry{"transactionPeriodId", period})}
	b.code(2, "executeReport", ask)
	time.Sleep(3100 * time.Millisecond) // Glase's own time to write a report, which is real here
	report := b.code(0, "executeReport", ask)
	if text := report.text("report.contentString"); !strings.Contains(text, "<SalesCount>1</SalesCount>") ||
		!strings.Contains(text, "<SalesTotal>0.00000</SalesTotal>") {
		b.t.Fatalf("the report is %s", text)
	}
	b.code(0, "unregisterTerminal", onlyContext{till})
	b.code(33, "sendInvoice", sendInvoice{till, bill("IMMEDIATE_DEBIT", "till 4", "10.00", "10.00")})
}

// refusals: what is wrong gets the documented code, and nothing moves.
func refusals(b bridge, s simulator) {
	v := bill("IMMEDIATE_DEBIT", "wrong 1", "10.00", "10.00")
	b.code(20, "sendInvoice", sendInvoice{terminal("public_test_shop_terminal", "wrong"), v})
	b.code(37, "sendInvoice", sendInvoice{terminal("no_such_terminal", "12345678"), v})
	b.code(49, "sendInvoice", sendInvoice{testTerminal, bill("IMMEDIATE_DEBIT", "wrong 2", "10.00", "9.99")})
	b.code(21, "registerTerminal", registerTerminal{testTerminal, "till 8", "n0t-a-s3cret", "Kassa 8"})
	for op, args := range map[string]any{
		"getPaymentStatus":  getPaymentStatus{testTerminal, "1234567890123", "0"},
		"cancelInvoice":     ofInvoice{testTerminal, "1234567890123"},
		"commitReservation": commitReservation{testTerminal, kronor("1.00"), "1234567890123"},
		"updateInvoice":     updateInvoice{testTerminal, "1234567890123", v},
	} {
		b.code(54, op, args)
	}
	b.code(23, "refundPayment", refundPayment{testTerminal, "2012000000000000", v})
	b.code(53, "assignSeqrId", assignSeqrID{testTerminal, "not/alphanumeric"})
	var all []any
	if s.ask("/ledger", "", &all); len(all) > 0 {
		b.t.Fatalf("money moved: %v", all)
	}
}
