package ups

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Bounds on a scanned text, bytes. The longest QR holds 4,296 characters; Glase's payloads have about 50.
const (
	qrMax = 512
	idMax = 64
)

// ErrQR is what ParseQR answers, wrapped with the reason, for a text that is no Glase QR payload.
var ErrQR = errors.New("not a Glase QR")

// Kind is where a QR leads.
type Kind string

// The kinds of QR payload.
const (
	KindUPS     Kind = "ups"     // the machine's static QR: Glase calls createPurchase
	KindSticker Kind = "sticker" // a terminal's sticker: its current invoice
	KindInvoice Kind = "invoice" // one invoice
)

// QR is what a payload says. Which fields are set depends on its kind; those that are, are not empty.
type QR struct {
	Kind             Kind
	MerchantID       string // KindUPS
	Token            string // KindUPS
	SeqrID           string // KindSticker
	InvoiceReference string // KindInvoice
}

// StaticQR is the payload on a machine that takes createPurchase. The merchant id is from Glase's start-up kit, the
// token is the machine's own; neither is secret.
func StaticQR(merchantID, token string) string {
	return "HTTP://SEQR.SE/000/ups?w=" + url.QueryEscape(merchantID) + "&t=" + url.QueryEscape(token)
}

// StickerQR is the payload of the sticker whose alphanumeric id assignSeqrId bound to a terminal.
func StickerQR(seqrID string) string { return "HTTP://SEQR.SE/Q" + seqrID }

// AppLink is the payload as a link for a phone's own browser, which opens the app: "seqr:" instead of "HTTP:". A text
// that does not begin so is returned as it is.
func AppLink(qr string) string {
	const scheme = "HTTP:"
	if len(qr) < len(scheme) || !strings.EqualFold(qr[:len(scheme)], scheme) {
		return qr
	}
	return "seqr:" + qr[len(scheme):]
}

// PageURL is where a customer's browser finds the machine's page again, once it has opened it by a code: publicURL as
// NotificationURL has it.
func PageURL(publicURL string) string { return strings.TrimSuffix(publicURL, "/") + "/s/" }

// NotificationURL is the notificationUrl of one sale: publicURL, which is the machine's address as Glase reaches it
// with its path prefix, and the secret, at least 128 random bits in letters, digits, "-" and "_", at most 128 of them.
func NotificationURL(publicURL, secret string) string {
	return strings.TrimRight(publicURL, "/") + "/notify/" + secret
}

// ParseQR reads a payload as a phone would scan it, or its AppLink. Scheme and host may be in either case, the rest is
// exact. It does not look at which merchant or machine it is. The error is ErrQR.
func ParseQR(text string) (QR, error) {
	if len(text) > qrMax {
		return QR{}, fmt.Errorf("ups: %w: more than %d bytes", ErrQR, qrMax)
	}
	u, err := url.Parse(text)
	if err != nil {
		return QR{}, fmt.Errorf("ups: %w: not a URL", ErrQR)
	}
	switch u.Scheme {
	case "http", "https", "seqr":
	default:
		return QR{}, fmt.Errorf("ups: %w: neither the scheme HTTP nor seqr", ErrQR)
	}
	if !strings.EqualFold(u.Host, "seqr.se") || u.User != nil || u.Fragment != "" {
		return QR{}, fmt.Errorf("ups: %w: does not lead to SEQR.SE", ErrQR)
	}
	var q QR
	if u.Path == "/000/ups" {
		q, err = parseStatic(u.RawQuery)
	} else if id, ok := strings.CutPrefix(u.Path, "/Q"); ok && isID(id) {
		q = QR{Kind: KindSticker, SeqrID: id}
	} else if id, ok := strings.CutPrefix(u.Path, "/R"); ok && isID(id) {
		q = QR{Kind: KindInvoice, InvoiceReference: id}
	} else {
		err = fmt.Errorf("ups: %w: no such path at SEQR.SE", ErrQR)
	}
	return q, err
}

func parseStatic(query string) (QR, error) {
	v, err := url.ParseQuery(query)
	if err != nil || len(v["w"]) != 1 || len(v["t"]) != 1 || v.Get("w") == "" || v.Get("t") == "" {
		return QR{}, fmt.Errorf("ups: %w: must name one merchant (w) and one machine (t)", ErrQR)
	}
	return QR{Kind: KindUPS, MerchantID: v.Get("w"), Token: v.Get("t")}, nil
}

// isID reports whether s is alphanumeric and of bounded length, as Glase's references and sticker ids are.
func isID(s string) bool {
	return s != "" && len(s) <= idMax && strings.Trim(s, urlPlain) == "" && !strings.ContainsAny(s, "-_")
}
