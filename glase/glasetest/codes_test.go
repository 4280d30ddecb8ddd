package glasetest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

func ruled(op, fault string, code *glasetest.Code) glasetest.Faults {
	return glasetest.Faults{Rules: []glasetest.Fault{{Operation: op, Fault: fault, Code: code}}}
}

// TestEveryResultCodeIsReachable provokes each code by the request that causes it, or where no request can, by a fault.
func TestEveryResultCodeIsReachable(t *testing.T) {
	inv := func(s stranger, invoice string) reply { return s.call("sendInvoice", asTerminal, invoice) }
	forced := func(code glasetest.Code) func(stranger) reply {
		return func(s stranger) reply {
			s.faulty(ruled("sendInvoice", "result_code", &code))
			return inv(s, invoiceOf(debit, "a", "15.00", ""))
		}
	}
	choice := func(s stranger, c glasetest.Choices) { s.faulty(glasetest.Faults{Choices: c}) }
	reserved := func(s stranger) string {
		ref := s.send(preliminary, "a", "50.00", "")
		s.pin(ref)
		return ref
	}
	for _, k := range []struct {
		code glasetest.Code
		how  string
		do   func(s stranger) reply
	}{
		{0, "a good invoice", func(s stranger) reply { return inv(s, invoiceOf(debit, "a", "15.00", "")) }},
		{1, "forced", forced(1)},
		{2, "a report asked for at once", func(s stranger) reply {
			id := s.must("markTransactionPeriod", asReseller, "").text("transactionPeriodId")
			return s.call("executeReport", asReseller, reportOf("Reconciliation/Shop.xml", id, ""))
		}},
		{10, "updating a paid invoice", func(s stranger) reply {
			ref, _ := s.paid("a", "15.00")
			return s.on("updateInvoice", ref, invoiceOf(debit, "a", "14.00", ""))
		}},
		{10, "a reference longer than documented", func(s stranger) reply {
			return s.call("cancelInvoice", strings.Replace(asTerminal, "<clientReference>1", "<clientReference>"+
				strings.Repeat("1", 33), 1), "")
		}},
		{11, "an invoice of nothing", func(s stranger) reply { return inv(s, invoiceOf(debit, "a", "0.00", "")) }},
		{11, "an update above what is reserved", func(s stranger) reply {
			return s.on("updateInvoice", reserved(s), invoiceOf(preliminary, "a", "50.01", ""))
		}},
		{11, "a commit above what is reserved", func(s stranger) reply { return s.commit(reserved(s), "50.01") }},
		{11, "a commit of nothing", func(s stranger) reply { return s.commit(reserved(s), "0") }},
		{11, "a refund of nothing", func(s stranger) reply {
			_,
				ers := s.paid("a", "15.00")
			return s.refund(ers, "0.00")
		}},
		{12, "forced", forced(12)},
		{20, "a wrong password", func(s stranger) reply {
			return s.call("cancelInvoice", contextOf("TERMINALID", glasetest.TestTerminal, "", "wrong"), "")
		}},
		{20, "a reseller's wrong password", func(s stranger) reply {
			return s.call("registerTerminal", contextOf("RESELLERUSER", glasetest.TestReseller, "9900", "wrong"), "")
		}},
		{21, "a terminal that registers a terminal",
			func(s stranger) reply { return s.call("registerTerminal", asTerminal, "") }},
		{21, "a reseller that sells", func(s stranger) reply {
			return s.call("sendInvoice", asReseller, invoiceOf(debit, "a", "15.00", ""))
		}},
		{23, "a refund of no payment", func(s stranger) reply { return s.refund("2012050100000000000000001", "1.00") }},
		{23, "a receipt for no payment", func(s stranger) reply {
			return s.call("submitPaymentReceipt", asTerminal, "<ersReference>1</ersReference><receiptDocument/>")
		}},
		{29, "a principal of another type", func(s stranger) reply {
			return s.call("cancelInvoice", contextOf("RESELLERMSISDN", glasetest.TestTerminal, "", "12345678"), "")
		}},
		{29, "no context", func(s stranger) reply { return s.call("cancelInvoice", "", "") }},
		{33, "an unregistered terminal", func(s stranger) reply {
			ctx := s.register()
			s.must("unregisterTerminal", ctx, "")
			return s.call("sendInvoice", ctx, invoiceOf(debit, "a", "15.00", ""))
		}},
		{37, "an unknown terminal", func(s stranger) reply {
			return s.call("cancelInvoice", contextOf("TERMINALID", "nobody", "", "12345678"), "")
		}},
		{37, "an unknown user of the reseller", func(s stranger) reply {
			return s.call("registerTerminal", contextOf("RESELLERUSER", glasetest.TestReseller, "9901", "1234"), "")
		}},
		{48, "cancelling a reservation, when so chosen", func(s stranger) reply {
			choice(s, glasetest.Choices{CancelReserved: "refuse_48"})
			return s.on("cancelInvoice", reserved(s), "")
		}},
		{48, "updating while the customer pays", func(s stranger) reply {
			return s.on("updateInvoice", inProgress(s), invoiceOf(debit, "a", "14.00", ""))
		}},
		{49, "rows that do not add up", func(s stranger) reply {
			return inv(s, strings.Replace(invoiceOf(debit, "a", "15.00", ""), rowOf("15.00"), rowOf("14.99"), 1))
		}},
		{49, "an unknown currency", func(s stranger) reply {
			return inv(s, strings.ReplaceAll(invoiceOf(debit, "a", "15.00", ""), "SEK", "KRO"))
		}},
		{49, "two currencies", func(s stranger) reply {
			return inv(s, strings.Replace(invoiceOf(debit, "a", "15.00", ""), "SEK", "EUR", 1))
		}},
		{49, "no rows", func(s stranger) reply {
			return inv(s, "<invoice><title>x</title>"+amountOf("totalAmount", "15.00")+"</invoice>")
		}},
		{49, "no total", func(s stranger) reply {
			return inv(s, "<invoice><invoiceRows>"+rowOf("1")+"</invoiceRows></invoice>")
		}},
		{49, "no invoice", func(s stranger) reply { return inv(s, "") }},
		{49, "half an öre", func(s stranger) reply { return inv(s, invoiceOf(debit, "a", "15.005", "")) }},
		{49, "less than one of a thing", func(s stranger) reply {
			return inv(s, strings.Replace(invoiceOf(debit, "a", "15.00", ""), "<itemQuantity>1", "<itemQuantity>0", 1))
		}},
		{49, "a preliminary amount without a timeout",
			func(s stranger) reply { return inv(s, invoiceOf(preliminary, "a", "15.00", "")) }},
		{49, "an unknown payment mode", func(s stranger) reply {
			return inv(s, invoiceOf("BARTER", "a", "15.00", ""))
		}},
		{49, "an update in another currency", func(s stranger) reply {
			return s.on("updateInvoice", reserved(s),
				strings.ReplaceAll(invoiceOf(preliminary, "a", "15.00", ""), "SEK", "EUR"))
		}},
		{50, "cancelling what is paid", func(s stranger) reply {
			ref,
				_ := s.paid("a", "15.00")
			return s.on("cancelInvoice", ref, "")
		}},
		{51, "cancelling while the customer pays",
			func(s stranger) reply { return s.on("cancelInvoice", inProgress(s), "") }},
		{51, "cancelling a reservation, when so chosen", func(s stranger) reply {
			choice(s, glasetest.Choices{CancelReserved: "refuse_51"})
			return s.on("cancelInvoice", reserved(s), "")
		}},
		{52, "forced", forced(52)},
		{53, "another terminal's sticker", func(s stranger) reply {
			s.must("assignSeqrId", asTerminal, "<seqrId>ABC123</seqrId>")
			return s.call("assignSeqrId", s.register(), "<seqrId>ABC123</seqrId>")
		}},
		{53, "no letters and digits", func(s stranger) reply {
			return s.call("assignSeqrId", asTerminal, "<seqrId>ABC-123</seqrId>")
		}},
		{54, "an unknown invoice", func(s stranger) reply { return s.on("cancelInvoice", "123", "") }},
		{54, "another terminal's invoice", func(s stranger) reply {
			ref := s.send(debit, "a", "15.00", "")
			return s.call("getPaymentStatus", s.register(), "<invoiceReference>"+ref+
				"</invoiceReference><invoiceVersion>0</invoiceVersion>")
		}},
		{55, "refunding what was reversed", func(s stranger) reply {
			choice(s, glasetest.Choices{AcknowledgedBy: "latest_version"})
			_, ers := s.paid("a", "15.00")
			time.Sleep(21 * time.Second)
			return s.refund(ers, "15.00")
		}},
		{60, "forced", forced(60)}, {61, "forced", forced(61)}, {62, "forced", forced(62)}, {63, "forced", forced(63)},
		{64, "a notificationUrl of another scheme", func(s stranger) reply {
			return inv(s, invoiceOf(debit, "a", "15.00", "<notificationUrl>ftp://kiosk/</notificationUrl>"))
		}},
		{90, "forced", forced(90)},
		{91, "an operation that is not for merchants",
			func(s stranger) reply { return s.call("requestTopup", asTerminal, "") }},
		{92, "forced", forced(92)},
		{93, "forced", forced(93)},
		{94, "forced", forced(94)},
		{95, "cancelling twice", func(s stranger) reply {
			ref := s.send(debit, "a", "15.00", "")
			s.on("cancelInvoice", ref, "")
			return s.on("cancelInvoice", ref, "")
		}},
		{96, "committing what is not reserved",
			func(s stranger) reply { return s.commit(s.send(preliminary, "a", "15.00", ""), "15.00") }},
		{96, "committing twice", func(s stranger) reply {
			ref := reserved(s)
			s.commit(ref, "15.00")
			return s.commit(ref, "15.00")
		}},
		{97, "a reseller that may not refund", func(s stranger) reply {
			choice(s, glasetest.Choices{Refunds: "refuse_97"})
			_, ers := s.paid("a", "15.00")
			return s.refund(ers, "15.00")
		}},
		{98, "refunding more than was paid", func(s stranger) reply {
			_, ers := s.paid("a", "15.00")
			s.refund(ers, "10.00")
			return s.refund(ers, "5.01")
		}},
		{99, "an account that takes no refunds", func(s stranger) reply {
			choice(s, glasetest.Choices{Refunds: "refuse_99"})
			_, ers := s.paid("a", "15.00")
			return s.refund(ers, "15.00")
		}},
		{4711, "a code that nobody documented", forced(4711)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStranger(t, glasetest.Config{})
			r := k.do(s)
			if r.code != int(k.code) || r.text("resultDescription") != k.code.String() {
				t.Errorf("%s: %d %s, want %d %v", k.how, r.code, r.text("resultDescription"), k.code, k.code)
			}
		})
	}
}

// inProgress is an invoice whose customer is paying for the next minute.
func inProgress(s stranger) string {
	s.faulty(glasetest.Faults{Rules: []glasetest.Fault{
		{Operation: "confirm", Fault: "latency", Delay: glasetest.Duration(time.Minute)}}})
	ref := s.send(debit, "a", "15.00", "")
	go func() { _, _ = s.Confirm(ref, "1234") }()
	synctest.Wait()
	return ref
}

// reportOf asks for a report of a period, and of a terminal when one is given.
func reportOf(id, period, terminal string) string {
	entries := "<entry><key>transactionPeriodId</key><value>" + period + "</value></entry>"
	if terminal != "" {
		entries += "<entry><key>TERMINALID</key><value>" + terminal + "</value></entry>"
	}
	return "<reportId>" + id + "</reportId><language>en</language><parameters><parameter>" + entries +
		"</parameter></parameters>"
}
