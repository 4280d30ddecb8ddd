package glasetest_test

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"kioskd/glase/glasetest"
)

// fullOf makes an element that holds everything the interface allows, once.
func fullOf(types map[string]xsdElement, e xsdElement) anyElement {
	n := anyElement{XMLName: xml.Name{Local: e.Name},
		Text: map[string]string{"xs:string": "x", "xs:long": "1", "xs:int": "1", "xs:decimal": "1.5",
			"xs:dateTime": "2026-01-02T03:04:05.678Z", "xs:base64Binary": "AAAA", "tns:paymentMode": debit,
			"tns:acknowledgmentMode": "NO_ACKNOWLEDGMENT"}[e.Type]}
	for _, k := range sequenceOf(types, e) {
		n.Kids = append(n.Kids, fullOf(types, k))
	}
	return n
}

func (n anyElement) write(b *strings.Builder) {
	b.WriteString("<" + n.XMLName.Local + ">" + n.Text)
	for _, k := range n.Kids {
		k.write(b)
	}
	b.WriteString("</" + n.XMLName.Local + ">")
}

// variants hands out the whole request once for each small thing that can be changed in it, with what was changed.
func variants(n *anyElement, try func(what string)) {
	whole := n.Kids
	for at := range whole {
		n.Kids = slices.Delete(slices.Clone(whole), at, at+1)
		try("without " + whole[at].XMLName.Local)
		n.Kids = slices.Insert(slices.Clone(whole), at, whole[at])
		try("with a second " + whole[at].XMLName.Local)
		n.Kids = slices.Clone(whole)
		if at > 0 {
			n.Kids[at-1], n.Kids[at] = n.Kids[at], n.Kids[at-1]
			try(whole[at].XMLName.Local + " too early")
		}
		n.Kids = whole
		variants(&n.Kids[at], try)
	}
}

// TestStrictIsAsStrictAsTheInterface changes whole requests in every small way and expects the verdict of the
// interface.
func TestStrictIsAsStrictAsTheInterface(t *testing.T) {
	s := newStranger(t, glasetest.Config{Strict: true})
	tried, refused := 0, 0
	for _, op := range []string{"sendInvoice", "updateInvoice", "getPaymentStatus", "cancelInvoice",
		"commitReservation", "submitPaymentReceipt",
		"refundPayment", "registerTerminal", "unregisterTerminal", "assignSeqrId", "markTransactionPeriod",
		"executeReport"} {
		e := xsdElement{Name: op, Type: "tns:" + op}
		whole := fullOf(xsdTypes(), e)
		try := func(what string) {
			t.Helper()
			var b strings.Builder
			for _, k := range whole.Kids {
				k.write(&b)
			}
			r, err := s.post(wrap(op, b.String()))
			if err != nil {
				t.Fatal(err)
			}
			want := holds(xsdTypes(), e, whole)
			if (r.status == 500) != (want != nil) {
				t.Errorf("%s %s: HTTP %d, the interface says %v: %s", op, what, r.status, want, r.body)
			}
			if tried++; want != nil {
				refused++
			}
		}
		try("whole")
		variants(&whole, try)
	}
	if tried < 500 || refused < 100 || tried-refused < 100 {
		t.Errorf("%d tried, %d refused: that proves little", tried, refused)
	}
}
