// Package ups is the machine's side of Glase's Unattended Payments Service: createPurchase, the payment notification,
// and the QR payloads that a phone scans.
//
// New makes an http.Handler and no listener, so that a tunnel or a message bus can call it as well as a server can;
// Server is the http.Server that fits it. The handler reads, checks and limits what comes from outside; what a purchase
// means for the machine is decided by the Kiosk behind it.
//
// # createPurchase
//
// POST <prefix>/createPurchase with a JSON object. Each value may be a JSON string or number, null counts as missing,
// unknown fields are ignored, and names are compared exactly:
//
//   - token, or reservationToken: the machine's id, as in its static QR; compared in constant time.
//   - amount, or reservationAmount: the most that may be reserved. It is read exactly, never as floating point: digits,
//     a fraction and an exponent of at most two digits (20, "20.00", 2E+1, as Java writes decimals). A part finer than
//     the minor unit is cut off, which is safe for a maximum. Nothing, less than nothing and more than money holds are
//     refused.
//   - currency: ISO 4217, the machine's own.
//   - msisdn: the customer's phone number. It is required, since it alone tells a repeating customer from another one.
//
// A byte order mark in front is ignored, and the Content-Type is not looked at but for a charset other than UTF-8: with
// one that writes ASCII as ASCII does (ISO-8859-1, as Apache HttpClient says of any text) the body must be ASCII, any
// other is refused with 415.
//
// A value said more than once, in one spelling or in both, must be the same each time: which of two a sender meant
// would be a guess with money.
//
// The answer is JSON: {"invoiceReferenceId": "…"} or {"errorCode": "…"}, with HTTP 200 for every request that is a JSON
// object, refused and rate limited ones included. What is not one is answered 400 (405, 413, 415 for another method,
// too large a body, a charset that cannot be read), with SYSTEM_ERROR as its JSON. A refusal of any kind ends its
// connection.
//
// It is answered within Config.AnswerWithin of its headers, or by the deadline of its context when that is earlier,
// whatever the Kiosk does; a Kiosk that has not answered by then, or panics, yields SYSTEM_ERROR. A caller that goes
// away does not end the purchase: Glase may have lost the connection only, and the same customer's repeat must find the
// invoice that was made for them.
//
// # Notification
//
// POST <prefix>/notify/<secret>: 200 when the Kiosk knows the secret, else 404. Its body and content type mean nothing,
// for anybody can write them, and neither is read by this package.
//
// # Limits
//
// createPurchase needs nothing that is not printed on the machine, so that everybody may call it unless Callers.Allow,
// or a client certificate that the TLS listener asks for, says otherwise. docs/security.md says for the operator what
// that leaves to an attacker.
//
//   - Connections are bounded, also those of one address, unless all come through one proxy; see Server.
//   - A wrong token costs its own parsing and no more: it never reaches the Kiosk and takes nothing from the right
//     token's share.
//   - What the Kiosk would refuse is refused at a look (Kiosk.Refusal), and takes nothing from any share either.
//   - Other purchases with the right token pass one each 3 s, 10 at once; more are told DEVICE_IN_USE, and the app lets
//     the customer try again. Each of them begins a sale, so it is enough for every customer in front of one machine,
//     and little enough for its journal and its log. When nobody but Glase can call (Config.Known), 50 a second pass.
//   - The customer whose purchase was accepted last, or is being asked for now, repeats on a share of their own, which
//     a flood of others cannot use up. They are recognised by a keyed hash whose key dies with the process.
//   - Notifications are not limited: a limit that cannot tell a known secret from a guess would drop the known one as
//     well. So Kiosk.Notify must cost next to nothing; the secret's length keeps guesses out.
//   - Requests are logged in two shares, new customers and all others; the next line says how many were left out. An
//     hour of whatever flood writes less than half a megabyte.
package ups

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"kioskd/internal/money"
)

// answerWithinMax is how long a purchase may be thought about: Glase is answered within 10 s, the way back included.
const answerWithinMax = 9 * time.Second

// Logged at most, in lines of about 150 bytes: anybody can make them, and the log is on an SD card. Both together are
// less than half a megabyte an hour.
const (
	noiseEvery = 10 * time.Second // of requests that bring no new customer
	noiseBurst = 10
	newsEvery  = 3 * time.Second // of those that do
	newsBurst  = 10
)

// Purchase is a customer's wish to buy at the machine.
type Purchase struct {
	Amount money.Amount // the most that may be reserved; more than nothing, in the machine's currency
	Payer  string       `json:"-"` // msisdn as given, personal data: never logged, stored only as the caller's hash
}

// String leaves the phone number out, for a purchase that ends up in a log after all.
func (p Purchase) String() string { return "purchase of at most " + p.Amount.String() }

// GoString is String.
func (p Purchase) GoString() string { return p.String() }

// ErrorCode is why there is no invoice to pay, in the words of Glase's createPurchase.
type ErrorCode string

// The error codes of Glase's documentation, all there are.
const (
	InsufficientFunds ErrorCode = "INSUFFICIENT_FUNDS" // the amount is below the cheapest product that can be sold now
	DeviceInUse       ErrorCode = "DEVICE_IN_USE"      // another customer is at the machine
	DeviceUnavailable ErrorCode = "DEVICE_UNAVAILABLE" // out of service
	InvoicingError    ErrorCode = "INVOICING_ERROR"    // sendInvoice failed
	SystemError       ErrorCode = "SYSTEM_ERROR"       // anything else
)

func (c ErrorCode) known() bool {
	switch c {
	case InsufficientFunds, DeviceInUse, DeviceUnavailable, InvoicingError, SystemError:
		return true
	}
	return false
}

// Kiosk is what the handler needs of the machine. Its methods are called from many goroutines at once.
type Kiosk interface {
	// CreatePurchase answers with exactly one of its results: the reference of the invoice that the customer now
	// confirms, or why there is none. ctx ends at the answer deadline and not before; a reference that comes later is
	// lost on this request, and the customer's repeat must get the same one.
	CreatePurchase(ctx context.Context, p Purchase) (invoiceReference string, code ErrorCode)
	// Refusal is the code that CreatePurchase would answer with now, as far as that shows at a look: the machine is in
	// use or out of service, the amount is too small. "": it must be asked. It must neither block nor work, and a wrong
	// "" costs a place in the newcomers' share alone.
	Refusal(p Purchase) ErrorCode
	// Notify passes a hint that the sale whose notification path has this secret may have changed, and reports whether
	// there is such a sale now. It must neither block nor work, compare in constant time, and let doubled hints fall
	// together.
	Notify(secret string) bool
}

// Config is what one machine's handler needs.
type Config struct {
	Token        string         // the machine's id in createPurchase and in its static QR; "": it has none
	PathPrefix   string         // "" or "/seqr": what stands before /createPurchase and /notify/
	Currency     string         // ISO 4217
	AnswerWithin time.Duration  // above 0 and at most 9 s, which 0 stands for; from the request's headers on
	Known        bool           // nobody but Glase can call: by address, or by certificate
	Log          zerolog.Logger // never sees a phone number, a token, a secret or a body; the zero Logger is silent
}

// New makes the handler of one machine. It may be called from many goroutines at once. The error says what of c is
// unusable.
func New(c Config, k Kiosk) (http.Handler, error) {
	if c.AnswerWithin == 0 {
		c.AnswerWithin = answerWithinMax
	}
	switch {
	case k == nil:
		return nil, errors.New("ups: no kiosk")
	case c.PathPrefix != "" && !plainPath(c.PathPrefix):
		return nil, fmt.Errorf("ups: path prefix %q: write it like %q, or leave it empty", c.PathPrefix, "/seqr")
	case !money.Known(c.Currency):
		return nil, fmt.Errorf("ups: %q is not a currency of ISO 4217", c.Currency)
	case c.AnswerWithin < 0 || c.AnswerWithin > answerWithinMax:
		return nil, fmt.Errorf("ups: an answer within %v: must be above 0 and at most %v", c.AnswerWithin,
			answerWithinMax)
	}
	return &handler{
		config: c,
		kiosk:  k,
		gate:   newGate(maphash.MakeSeed(), c.Known),
		noise:  rate.NewLimiter(rate.Every(noiseEvery), noiseBurst),
		news:   rate.NewLimiter(rate.Every(newsEvery), newsBurst),
	}, nil
}

// plainPath reports whether p stands in a URL as it is: rooted, no slash at its end, nothing to clean or to escape.
func plainPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && strings.Trim(p, urlPlain+"/.~") == ""
}

// urlPlain are the bytes that neither a path nor a query ever escapes, "." and "~" aside.
const urlPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
