package glasetest_test

import (
	"encoding/xml"
	"os"
	"slices"
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
