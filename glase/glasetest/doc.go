// Package glasetest is Glase, the payment service, for tests and development: faithful to its documentation, honest
// about the rules that lose money when broken, and faulty on request.
//
// A [Glase] is an http.Handler. POST /soap/merchant/cashregister-2 (and the older /extclientproxy/service and
// /extclientproxy/service/v2) is the SOAP service with the twelve operations that the documentation describes (?wsdl is
// its interface; the interface's other operations, and creditUser, answer 91); the documentation's public test
// credentials are built in. The phone, the ledger and the faults are JSON beside it, and Go methods of the
// same names. It shares no code with the client that it tests.
//
// # Rules
//
// The rows of an invoice add up to its total, and updateInvoice without rows leaves a total alone. A terminal that
// sends the same clientInvoiceId again gets the same invoice, whatever else the second call says, unless the choice
// client_invoice_id says "new_invoice". A terminal of registerTerminal is a cash register: each new invoice cancels its
// previous one, and lets go of a reservation. So is the public test terminal, unless the choice test_terminal says
// "webshop". An invoice without acknowledgmentMode cannot be paid: the phone waits for the amount. An invoice of
// another terminal is as unknown as none.
//
// The customer's PIN turns an invoice with IMMEDIATE_DEBIT (or no paymentMode) into PAID, one of the reservation modes
// into RESERVED. A payment that nobody asks for within 20 s is reversed and the invoice CANCELED; getPaymentStatus
// acknowledges it. A reservation, confirmed or not, ends with commitReservationTimeout, counted from sendInvoice (10
// minutes if left out, which only RESERVATION_REQUIRED_PRELIMINARY_AMOUNT refuses). commitReservation charges up to
// what is reserved and releases the rest; the invoice's total is then what was charged. refundPayment is not
// idempotent.
//
// Nothing here depends on somebody looking: before every call everything whose time has come has happened, in the order
// of its deadlines.
//
// Where the documentation is silent: an unregistered terminal gets 33, a principal of the wrong kind 21, an operation
// on a reversed payment 55, on a failed one 10, updateInvoice on a paid invoice 10, an amount that is not above zero
// 11, and so does one above what is reserved; a context longer than documented 10. Marking periods and reports are for
// the reseller's user. Reports list refunds and reversals below zero. Loyalty tokens are accepted and ignored.
//
// The notification is an empty POST to notificationUrl after the customer confirmed (RESERVED, PAID) or cancelled a
// reservation; with the choice notify "paid_only", after anything became PAID.
//
// With [Config.Certify] it is as particular as Glase's certification, which the service itself is not: who calls is
// said by clientId and clientReference, every row has its quantity and its amount, a receipt is HTML or XML.
//
// # Phone
//
//	POST /phone/scan      {"qr", "amount"?, "currency"?, "msisdn"?}   200.00 SEK and 46700000001 unless told
//	POST /phone/confirm   {"invoiceReference", "pin"}                 any four digits are the right PIN
//	POST /phone/cancel    {"invoiceReference"}
//	GET  /phone/invoices/<reference>
//
// Each answers 200 with the invoice, {"invoiceReference", "status", "version", "title", "terminalId", "paymentMode",
// "totalAmount", "currency", "rows": [{"description", "quantity"?, "totalAmount"}], "reservedAmount"?,
// "chargedAmount"?, "refundedAmount"?, "ersReference"?, "footer"?, "backURL"?, "waitingForAmount"?, "receipts"?}, or
// with {"errorCode", "message"?, "status"?}; see [UnknownQR] and its neighbours. An unknown reference is 404, a request
// that makes no sense 400, both with an errorCode. A QR of HTTP://SEQR.SE/000/ups posts createPurchase to the URL given
// for its token and waits 10 s.
//
// GET /ledger is a JSON array of every movement of money, oldest first: {"seq", "at", "terminalId", "invoiceReference",
// "ersReference"?, "kind", "amount", "currency", "why"} with kind "reserve", "release", "charge", "refund" or
// "reversal". Charged minus refunded minus reversed is what the customers have paid.
//
// # Faults
//
// POST /faults replaces everything that was set before, so that {} makes Glase behave; GET /faults shows what is set,
// in the same form. Unknown fields and words are refused with 400 and then nothing changes.
//
//	{
//	  "seed": 7,
//	  "rules": [
//	    {"operation": "commitReservation", "fault": "lost_answer", "count": 1},
//	    {"operation": "getPaymentStatus", "fault": "latency", "delay": "2.5s", "probability": 0.1},
//	    {"operation": "*", "fault": "http", "status": 503, "skip": 3, "count": 2},
//	    {"operation": "refundPayment", "fault": "result_code", "code": 90, "acts": true},
//	    {"operation": "notification", "fault": "late", "delay": "5s"}
//	  ],
//	  "choices": {"acknowledged_by": "latest_version", "cancel_reserved": "refuse_51"},
//	  "front": {"kind": "close", "after": "100ms"}
//	}
//
// A rule fires at each matching call: after "skip" of them, with "probability", until it fired "count" times; each of
// these may be left out, which is from the first one, surely, for ever. Of the rules that fire at one call every
// latency counts, and the first of the others. "operation" is a SOAP operation or "*" for any of the twelve, and
// "fault" then one of
//
//	latency        the answer takes "delay" longer; the operation is done after the delay, with "acts" before it,
//	               and in both cases also when the caller has hung up
//	lost_request   the connection closes, nothing was done
//	lost_answer    the operation is done, the connection closes
//	reset          the connection is reset
//	http           the answer is the HTTP "status", 400 to 599
//	soap_fault     the answer is a SOAP Fault with HTTP 500
//	malformed      the answer is cut off XML
//	html           the answer is a web page, as of a captive portal
//	result_code    the answer is the result "code", known or not
//	gzip           the operation is done, and its answer is compressed, whatever the request accepts
//	other_answer   the operation is done, and the answer is a late one of the same operation, about another invoice: of this
//	               terminal or of any other. Without one that is remembered the answer is the right one
//	previous_answer  the operation is done, and the answer is the one that was made before it, of whatever operation
//	unproven       the operation is done, and of an answer that says PAID something is missing: the receipt, the ersReference, or the
//	               currency is another
//
// Those from reset to result_code do nothing else, unless "acts" is true: then the operation is done before.
// "operation" may also be "confirm" (the customer's PIN) with the fault latency (the payment is in progress that long:
// update answers 48, cancel 51) or payment_fails (FAILED); or "notification" or "createPurchase" with late (by
// "delay"), doubled or missing.
//
// "front" is what stands before Glase on its connections, and lets them die after an answer of the service that
// promised to keep them; [Glase.Serve] plays it, and in process there are no connections. "after" is from the answer's
// end on, 0 when left out, at most 10 minutes; a call that comes before it, but for close, is answered, and the time
// begins anew. "kind" is one of
//
//	close       nothing is read any more, and "after" the answer the connection is closed: what came meanwhile is lost
//	half_close  Glase says goodbye, and goes on doing what still comes, without an answer
//	reset       the connection stays open, and the next call is met by a reset and not done
//	forget      the connection stays open, and nothing passes any more, without a sign, as with a NAT that has forgotten it
//
// "choices" are what the documentation leaves open; the first is the default:
//
//	acknowledged_by    asked, latest_version (only a getPaymentStatus that carries the paid invoice's version)
//	cancel_reserved    accept, refuse_48, refuse_51, ignore (answers 0 and does nothing)
//	unasked_commit     keep, reverse (after 20 s, like any payment)
//	unasked_reserved   keep, release (20 s after the PIN)
//	notify             all, paid_only
//	commits            asked, reserved (commitReservation charges all that is reserved, whatever it is asked for)
//	refunds            allow, refuse_97, refuse_99
//	test_terminal      cash_register, webshop (many invoices at a time)
//	canceled_spelling  CANCELED, CANCELLED (not in the schema, but in the documentation)
//	client_invoice_id  same_invoice, new_invoice (each sendInvoice makes an invoice, whatever its clientInvoiceId)
package glasetest
