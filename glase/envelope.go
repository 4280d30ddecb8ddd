package glase

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"kioskd/internal/money"
)

const (
	soapSpace  = "http://schemas.xmlsoap.org/soap/envelope/"
	glaseSpace = "http://external.interfaces.ers.seamless.com/"

	channel      = "WS" // one of the two channel names that the documentation allows
	clientMax    = 80   // clientId and clientComment
	referenceMax = 32   // clientReference
	secretMax    = 128  // a password

	envelopeHint = 768 // bytes that most requests, the polls, fit into
)

// envelope builds a request by appending. Only the operation's element is in Glase's namespace; its children have none.
// Nothing is written that need not be: kiosks live on metered lines. The first error stays and names the field, never
// its value.
type envelope struct {
	b   []byte
	op  string
	row int // the invoice row under way, from 1; 0 outside
	err error
}

// request begins the envelope of an operation up to and with its context.
func (c *Client) request(op *operation) *envelope {
	e := &envelope{b: make([]byte, 0, envelopeHint), op: op.name}
	e.b = append(e.b, `<s:Envelope xmlns:s="`+soapSpace+`"><s:Body><g:`...)
	e.b = append(e.b, op.name...)
	e.b = append(e.b, ` xmlns:g="`+glaseSpace+`">`...)
	e.context(&c.cfg, op.reseller, c.cfg.NewReference())
	return e
}

// finish closes the envelope and gives its bytes.
func (e *envelope) finish() ([]byte, error) {
	e.b = append(e.b, "</g:"...)
	e.b = append(e.b, e.op...)
	e.b = append(e.b, "></s:Body></s:Envelope>"...)
	if e.err != nil {
		return nil, e.err
	}
	return e.b, nil
}

// context appends who calls. clientRequestTimeout is always 0, as the documentation asks.
func (e *envelope) context(cfg *Config, asReseller bool, reference string) {
	id, kind, user, password := cfg.TerminalID, "TERMINALID", "", cfg.Password
	if asReseller {
		if cfg.Reseller == nil {
			e.fail("reseller", "not configured")
			return
		}
		id, kind, user, password = cfg.Reseller.ID, "RESELLERUSER", cfg.Reseller.UserID, cfg.Reseller.Password
	}
	e.open("context")
	e.raw("channel", channel)
	e.optional("clientComment", cfg.Comment, clientMax)
	e.optional("clientId", cfg.ClientID, clientMax)
	e.text("clientReference", reference, referenceMax)
	e.raw("clientRequestTimeout", "0")
	e.open("initiatorPrincipalId")
	e.text("id", id, idMax)
	e.raw("type", kind)
	e.optional("userId", user, idMax)
	e.close("initiatorPrincipalId")
	e.text("password", password, secretMax)
	e.close("context")
}

func (e *envelope) fail(field, why string) {
	if e.err != nil {
		return
	}
	if e.row > 0 {
		field = "invoiceRow " + strconv.Itoa(e.row) + ": " + field
	}
	e.err = fmt.Errorf("glase: %s: %s: %w: %s", e.op, field, ErrInvalid, why)
}

func (e *envelope) check(ok bool, field, why string) {
	if !ok {
		e.fail(field, why)
	}
}

func (e *envelope) open(tag string)  { e.b = append(append(append(e.b, '<'), tag...), '>') }
func (e *envelope) close(tag string) { e.b = append(append(append(e.b, "</"...), tag...), '>') }

// raw appends an element whose text needs no escaping.
func (e *envelope) raw(tag, value string) {
	e.open(tag)
	e.b = append(e.b, value...)
	e.close(tag)
}

func (e *envelope) number(tag string, n int64) {
	e.open(tag)
	e.b = strconv.AppendInt(e.b, n, 10)
	e.close(tag)
}

// optional appends a text of at most so many characters, or nothing for an empty one.
func (e *envelope) optional(tag, value string, most int) {
	if value != "" {
		e.text(tag, value, most)
	}
}

// text appends a text of 1 to so many characters. Characters that XML 1.0 cannot carry are refused rather than dropped:
// an identifier or a password without them would be another one.
func (e *envelope) text(tag, value string, most int) {
	switch {
	case e.err != nil:
	case value == "":
		e.fail(tag, "missing")
	case len(value) > most && utf8.RuneCountInString(value) > most:
		e.fail(tag, "longer than "+strconv.Itoa(most)+" characters")
	default:
		e.open(tag)
		if !e.escape(value) {
			e.fail(tag, "holds a character that XML cannot carry")
		}
		e.close(tag)
	}
}

// escape appends a text's characters and reports whether XML 1.0 allows them all.
func (e *envelope) escape(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || !isChar(r) {
				return false
			}
			e.b = append(e.b, s[i:i+size]...)
			i += size
			continue
		}
		i++
		switch {
		case c == '&':
			e.b = append(e.b, "&amp;"...)
		case c == '<':
			e.b = append(e.b, "&lt;"...)
		case c == '>': // only "]]>" needs it, but then it is needed
			e.b = append(e.b, "&gt;"...)
		case c == '\r': // a reader would make a line feed of it
			e.b = append(e.b, "&#13;"...)
		case !isChar(rune(c)):
			return false
		default:
			e.b = append(e.b, c)
		}
	}
	return true
}

// checkAmount refuses an amount that could not be written or added up.
func (e *envelope) checkAmount(tag string, a money.Amount) {
	e.check(a.Currency != "", tag, "no currency")
	e.check(money.Known(a.Currency), tag, "unknown currency")
	e.check(a.Minor >= -amountMax && a.Minor <= amountMax, tag, "too large")
}

// amount appends a currency and a decimal value.
func (e *envelope) amount(tag string, a money.Amount) {
	if e.checkAmount(tag, a); e.err != nil {
		return
	}
	e.open(tag)
	e.raw("currency", a.Currency)
	e.raw("value", a.Decimal())
	e.close(tag)
}

func (e *envelope) base64(tag string, data []byte) {
	e.open(tag)
	e.b = base64.StdEncoding.AppendEncode(e.b, data)
	e.close(tag)
}

func isHTTP(url string) bool {
	return strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://")
}
