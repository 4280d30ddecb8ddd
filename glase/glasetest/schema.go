package glasetest

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// rule is one element of the 2.6.0 schema: its name, what it may hold, and how often it may stand.
type rule struct {
	name     string
	holds    func(string) bool // of a simple type; nil for a sequence
	sequence []rule
	required bool
	many     bool
}

func text(name string) rule                    { return rule{name: name, holds: func(string) bool { return true }} }
func typed(n string, f func(string) bool) rule { return rule{name: n, holds: f} }
func seq(name string, of ...rule) rule         { return rule{name: name, sequence: of} }
func must(r rule) rule                         { r.required = true; return r }
func many(r rule) rule                         { r.many = true; return r }

func oneOf(words ...string) func(string) bool {
	return func(s string) bool {
		for _, w := range words {
			if s == w {
				return true
			}
		}
		return false
	}
}

var decimalForm = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)

// A type other than xs:string does not mind white space around its value.

func isDecimal(s string) bool { return decimalForm.MatchString(strings.TrimSpace(s)) }

func isInt(bits int) func(string) bool {
	return func(s string) bool { _, err := strconv.ParseInt(strings.TrimSpace(s), 10, bits); return err == nil }
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	return err == nil
}

// isDateTime knows xs:dateTime with and without a zone; fractions of a second are optional in both.
func isDateTime(s string) bool {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if _, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return true
		}
	}
	return false
}

// schema lists the twelve operations' requests as the 2.6.0 schema has them, in its order.
func schema() map[string]rule {
	amount := func(name string) rule { return seq(name, text("currency"), typed("value", isDecimal)) }
	context := seq("context", text("channel"), text("clientComment"), text("clientId"), text("clientReference"),
		must(typed("clientRequestTimeout", isInt(64))),
		seq("initiatorPrincipalId", text("id"), text("type"), text("userId")), text("password"))
	row := seq("invoiceRow", text("itemDescription"), amount("itemDiscount"), text("itemEAN"),
		typed("itemQuantity", isDecimal),
		text("itemSKU"), typed("itemTaxRate", isDecimal), amount("itemTotalAmount"), text("itemUnit"),
		amount("itemUnitPrice"))
	invoice := seq("invoice",
		typed("paymentMode", oneOf(modeDebit, modeDesired, modeRequired, modePreliminary)),
		typed("acknowledgmentMode", oneOf(ackNone, ackOptional, ackRequired)),
		typed("issueDate", isDateTime), text("title"), text("clientInvoiceId"), seq("invoiceRows", many(row)),
		amount("totalAmount"),
		text("cashierId"), text("footer"), text("backURL"), text("notificationUrl"),
		typed("commitReservationTimeout", isInt(64)))
	token := many(seq("tokens", text("description"), text("id"), must(typed("status", isInt(32))), text("value")))
	parameters := seq("parameters", seq("parameter", many(seq("entry", text("key"), text("value")))))
	ref, ers := text("invoiceReference"), text("ersReference")
	document := seq("receiptDocument", text("mimeType"), typed("receiptData", isBase64), text("receiptType"))

	all := map[string]rule{}
	for _, r := range []rule{
		seq("sendInvoice", context, invoice, token),
		seq("updateInvoice", context, ref, invoice, token),
		seq("getPaymentStatus", context, ref, must(typed("invoiceVersion", isInt(32)))),
		seq("cancelInvoice", context, ref),
		seq("commitReservation", context, amount("amount"), ref),
		seq("submitPaymentReceipt", context, ers, document),
		seq("refundPayment", context, ers, invoice),
		seq("registerTerminal", context, text("externalTerminalId"), text("password"), text("name")),
		seq("unregisterTerminal", context),
		seq("assignSeqrId", context, text("seqrId")),
		seq("markTransactionPeriod", context, parameters),
		seq("executeReport", context, text("reportId"), text("language"), parameters),
	} {
		all[r.name] = r
	}
	return all
}

// check is what a validating service does with an element: it names the first thing that the schema refuses.
func (r rule) check(n *node) error {
	for _, a := range n.attrs {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" && a.Name.Space != xsiNS {
			return fmt.Errorf("%s has the attribute %s", r.name, a.Name.Local)
		}
	}
	if r.holds != nil {
		if len(n.kids) > 0 {
			return fmt.Errorf("%s holds elements", r.name)
		}
		if !r.holds(string(n.text)) {
			return fmt.Errorf("%s holds a value that is not of its type", r.name)
		}
		return nil
	}
	if strings.TrimSpace(string(n.text)) != "" {
		return fmt.Errorf("%s holds text", r.name)
	}
	return r.checkSequence(n)
}

func (r rule) checkSequence(n *node) error {
	kids := n.kids
	for _, want := range r.sequence {
		found := 0
		for len(kids) > 0 && kids[0].name.Space == "" && kids[0].name.Local == want.name && (found == 0 || want.many) {
			if err := want.check(kids[0]); err != nil {
				return err
			}
			kids, found = kids[1:], found+1
		}
		if found == 0 && want.required {
			return fmt.Errorf("%s lacks %s", r.name, want.name)
		}
	}
	if len(kids) > 0 {
		return fmt.Errorf("%s does not expect {%s}%s there", r.name, kids[0].name.Space, kids[0].name.Local)
	}
	return nil
}
