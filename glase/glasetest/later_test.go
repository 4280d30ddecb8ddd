package glasetest_test

import (
	"encoding/xml"
	"os"
	"slices"
	"strings"
	"testing"

	"kioskd/glase/glasetest"
)

// twelve are the operations that the documentation describes.
var twelve = []string{"sendInvoice", "updateInvoice", "getPaymentStatus", "cancelInvoice", "commitReservation",
	"submitPaymentReceipt", "refundPayment", "registerTerminal", "unregisterTerminal", "assignSeqrId",
	"markTransactionPeriod", "executeReport"}

// interfaceOperations are the names in the interface's own file.
func interfaceOperations(t *testing.T) (names []string) {
	t.Helper()
	raw, err := os.ReadFile("cashregister-2.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	var w struct {
		Operations []struct {
			Name string `xml:"name,attr"`
		} `xml:"portType>operation"`
	}
	if err := xml.Unmarshal(raw, &w); err != nil {
		t.Fatal(err)
	}
	for _, o := range w.Operations {
		names = append(names, o.Name)
	}
	return names
}

// TestAnOperationThatIsNotForMerchantsIsUnsupportedAndNoFault: the interface's others, whoever asks, and creditUser of
// a later release, which is in no interface file that is known.
func TestAnOperationThatIsNotForMerchantsIsUnsupportedAndNoFault(t *testing.T) {
	strict, lenient := newStranger(t, glasetest.Config{Strict: true}), newStranger(t, glasetest.Config{})
	described := interfaceOperations(t)
	others := slices.DeleteFunc(slices.Clone(described),
		func(name string) bool { return slices.Contains(twelve, name) })
	if len(described) != 19 || len(others) != 7 {
		t.Fatalf("the interface has %d operations, %d of them not for merchants", len(described), len(others))
	}
	for _, name := range append(others, "creditUser") {
		for _, s := range []stranger{strict, lenient} {
			for _, inner := range []string{"", asTerminal, asReseller, asTerminal + "<userId>7</userId>"} {
				r, err := s.try(name, "", inner)
				if err != nil || r.status != 200 || r.code != 91 ||
					r.text("resultDescription") != "UNSUPPORTED_OPERATION" {
					t.Errorf("%s: %v, HTTP %d: %s", name, err, r.status, r.body)
				}
				if name != "creditUser" {
					s.valid(name, r.body)
				}
			}
		}
		if r, err := lenient.post(wrap(name, asTerminal)[:200]); err != nil || r.status != 500 {
			t.Errorf("%s, cut off: %v, HTTP %d: %s", name, err, r.status, r.body)
		}
	}
	if r, err := lenient.try("robUser", asTerminal, ""); err != nil || r.status != 500 || r.code >= 0 {
		t.Errorf("an operation that nobody knows: %v, HTTP %d: %s", err, r.status, r.body)
	}
}

// TestRowsAsShippedModulesSendThemAreAccepted: without a quantity, below zero, and with decimals where whole numbers
// are meant. The schema refuses the first; merchants are in the field with them all the same.
func TestRowsAsShippedModulesSendThemAreAccepted(t *testing.T) {
	const one = "<itemQuantity>1</itemQuantity>"
	row := func(inner, total string) string {
		return "<invoiceRow><itemDescription>row</itemDescription>" + inner + amountOf("itemTotalAmount", total) +
			"</invoiceRow>"
	}
	s := newStranger(t, glasetest.Config{})
	for name, rows := range map[string]string{
		"no quantity":        row("", "15.00"),
		"a discount":         row(one, "20.00") + row(one, "-5.00"),
		"a quantity of 2.0":  row("<itemQuantity>2.0000</itemQuantity>", "15.00"),
		"a tax rate of 25.0": row(one+"<itemTaxRate>25.0000</itemTaxRate>", "15.00"),
	} {
		invoice := strings.Replace(invoiceOf(debit, name, "15.00", ""), rowOf("15.00"), rows, 1)
		r := s.call("sendInvoice", asTerminal, invoice)
		if r.code != 0 {
			t.Errorf("%s: %d, %s", name, r.code, r.body)
			continue
		}
		ref := r.text("invoiceReference")
		if i := s.pin(ref); i.Status != glasetest.Paid || i.Total.Decimal() != "15.00" {
			t.Errorf("%s: %+v", name, i)
		}
	}
}

// TestAPhonesLinkIsReadInCapitalsToo: the plug-in writes SEQR, the documentation seqr.
func TestAPhonesLinkIsReadInCapitalsToo(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	ref := s.send(debit, "a", "15.00", "")
	for _, link := range []string{"SEQR://SEQR.SE/R" + ref, "seqr://SEQR.SE/R" + ref, "HTTP://seqr.se/R" + ref} {
		if i, err := s.Scan(t.Context(), glasetest.Scan{QR: link}); err != nil || i.Reference != ref {
			t.Errorf("%s: %+v, %v", link, i, err)
		}
	}
}

// TestWhoScansAfterThePaymentHasNotPaid: the receipt keeps the payer.
func TestWhoScansAfterThePaymentHasNotPaid(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	ref := s.send(debit, "a", "15.00", "")
	for _, phone := range []string{"46700000001", "46700000002"} {
		if _, err := s.Scan(t.Context(), glasetest.Scan{QR: "HTTP://SEQR.SE/R" + ref, MSISDN: phone}); err != nil {
			t.Fatal(err)
		}
		if phone == "46700000001" {
			s.pin(ref)
		}
	}
	first := s.ask(ref, 0).text("payerTerminalId")
	other := s.send(debit, "b", "15.00", "")
	same := glasetest.Scan{QR: "HTTP://SEQR.SE/R" + other, MSISDN: "46700000001"}
	if _, err := s.Scan(t.Context(), same); err != nil {
		t.Fatal(err)
	}
	s.pin(other)
	if again := s.ask(other, 0).text("payerTerminalId"); first == "" || first != again {
		t.Errorf("the payer is %q, and %q with the same phone", first, again)
	}
}
