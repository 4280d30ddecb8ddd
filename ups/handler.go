package ups

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/time/rate"
)

// Bounds on what one request may bring.
const (
	bodyMax   = 16 << 10 // bytes; a createPurchase has about 120
	drainMax  = 1 << 20  // bytes of a larger body that are thrown away, so that its sender comes to read the 413
	secretMax = 128      // bytes; 128 random bits are 22 to 32 characters
)

type handler struct {
	config   Config
	kiosk    Kiosk
	gate     *gate
	noise    *rate.Limiter
	news     *rate.Limiter
	unlogged atomic.Uint64 // lines that these two kept from the log since the last line
}

// answer is what a request gets and what the log says about it.
type answer struct {
	status    int
	reference string    // of the invoice; this or code makes the answer a JSON one
	code      ErrorCode // why there is no reference
	why       string    // for the log: what was wrong, in fixed words
	news      bool      // a customer has got an invoice, or may have, who had none before
}

func refused(status int, why string) answer {
	return answer{status: status, code: SystemError, why: why}
}

// ServeHTTP compares paths exactly: no cleaning and no redirect, which would turn a POST into a GET.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	kind, a := "other", answer{status: http.StatusNotFound}
	rest, ours := strings.CutPrefix(r.URL.Path, h.config.PathPrefix)
	secret, notification := strings.CutPrefix(rest, "/notify/")
	switch {
	case ours && rest == "/createPurchase":
		kind, a = "createPurchase", h.createPurchase(r, start)
	case ours && notification:
		kind, a = "notify", h.notify(r, secret)
	}
	if a.refusal() {
		w.Header().Set("Connection", "close") // whoever is refused does not keep the place
	}
	a.write(w)
	h.record(r.Method, kind, a, time.Since(start))
}

func (h *handler) createPurchase(r *http.Request, start time.Time) answer {
	if r.Method != http.MethodPost {
		return refused(http.StatusMethodNotAllowed, "method")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax+1))
	if err != nil {
		return refused(http.StatusBadRequest, "body cut short")
	}
	if len(body) > bodyMax {
		_, _ = io.CopyN(io.Discard, r.Body, drainMax) // the answer is the same whether or not the rest comes
		return refused(http.StatusRequestEntityTooLarge, "body too large")
	}
	requestRead(r.Context())
	values, status, why := understand(r.Header.Get("Content-Type"), body)
	if why != "" {
		return refused(status, why)
	}
	if token, ok := values.one(fieldToken); !ok || token == "" ||
		subtle.ConstantTimeCompare([]byte(token), []byte(h.config.Token)) == 0 {
		return refused(http.StatusOK, "token")
	}
	p, why := values.purchase(h.config.Currency)
	if why != "" {
		return refused(http.StatusOK, why)
	}
	return h.ask(r.Context(), p, start.Add(h.config.AnswerWithin))
}

// understand reads a createPurchase's body, or says with which status it is refused and why.
func understand(contentType string, body []byte) (v values, status int, why string) {
	body = bytes.TrimPrefix(body, utf8Mark)
	if !readable(contentType, body) {
		return nil, http.StatusUnsupportedMediaType, "charset"
	}
	v, ok := decode(body)
	if !ok {
		return nil, http.StatusBadRequest, "not a JSON object"
	}
	return v, http.StatusOK, ""
}

// TokenOf reads for which machine a createPurchase is, for one who stands before many: as strictly as the machine's own
// handler, which reads it all again. The status is what the machine would answer, with SYSTEM_ERROR, to what has no
// token; it is 200 for a JSON object.
func TokenOf(contentType string, body []byte) (token string, status int) {
	v, status, why := understand(contentType, body)
	if why != "" {
		return "", status
	}
	token, _ = v.one(fieldToken)
	return token, status
}

// utf8Mark is the byte order mark of UTF-8, which RFC 8259 lets a reader ignore and .NET likes to write.
var utf8Mark = []byte("\xef\xbb\xbf")

// readable reports whether a body can be read as UTF-8 whatever its Content-Type says: no charset, or none that can be
// understood; UTF-8; or one that writes ASCII as ASCII does, such as Apache HttpClient's ISO-8859-1, when there is
// nothing else in the body.
func readable(contentType string, body []byte) bool {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return true
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8":
		return true
	case "us-ascii", "ascii", "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "iso-8859-15", "windows-1252",
		"cp1252":
		return !bytes.ContainsFunc(body, func(r rune) bool { return r > unicode.MaxASCII })
	}
	return false
}

// ask has the Kiosk decide, and waits until the deadline and no longer, or until the request's own when that is
// earlier. The Kiosk's call may outlast it and the request.
func (h *handler) ask(ctx context.Context, p Purchase, deadline time.Time) answer {
	if own, bounded := ctx.Deadline(); bounded && own.Before(deadline) {
		deadline = own
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	if ctx.Err() != nil {
		return refused(http.StatusOK, "body came too late")
	}
	if code := h.look(p); code != "" {
		return answer{status: http.StatusOK, code: code, why: "at a look"}
	}
	pass, why := h.gate.enter(p.Payer)
	if why != "" {
		return answer{status: http.StatusOK, code: DeviceInUse, why: why}
	}
	got := make(chan answer, 1) // room for an answer that nobody waits for any more
	go func() {
		a := refused(http.StatusOK, "the kiosk panicked")
		defer func() {
			if recover() != nil {
				h.panicked("CreatePurchase")
			}
			// Past the deadline a refusal proves nothing: there may be a sale under way, for this customer to repeat.
			a.news = h.gate.leave(pass, a.reference != "" || ctx.Err() != nil)
			got <- a
		}()
		a = result(h.kiosk.CreatePurchase(ctx, p))
	}()
	a := refused(http.StatusOK, "no answer in time")
	select {
	case a = <-got:
	case <-ctx.Done():
	}
	return a
}

// look asks the Kiosk what it would refuse anyway, so that such purchases use up neither the newcomers' share nor the
// kiosk's loop.
func (h *handler) look(p Purchase) (code ErrorCode) {
	defer func() {
		if recover() != nil {
			h.panicked("Refusal")
		}
	}()
	if code = h.kiosk.Refusal(p); code != "" && !code.known() {
		return SystemError
	}
	return code
}

// panicked says where, as often as any other line may be written. The value is not logged: it may hold the phone
// number.
func (h *handler) panicked(where string) {
	if !h.noise.Allow() {
		h.unlogged.Add(1)
		return
	}
	h.config.Log.Error().Bytes("stack", debug.Stack()).Msg("ups: " + where + " panicked")
}

// result checks what the Kiosk said; anything but exactly one known result is its bug, and SYSTEM_ERROR to the
// customer.
func result(reference string, code ErrorCode) answer {
	switch {
	case reference != "" && code == "":
		return answer{status: http.StatusOK, reference: reference}
	case reference == "" && code.known():
		return answer{status: http.StatusOK, code: code}
	}
	return refused(http.StatusOK, "the kiosk answered wrongly")
}

// notify passes the hint before the body is looked at. What is left of a body net/http throws away, bounded, or closes
// the connection on.
func (h *handler) notify(r *http.Request, secret string) (a answer) {
	if r.Method != http.MethodPost {
		return answer{status: http.StatusMethodNotAllowed}
	}
	if secret == "" || len(secret) > secretMax || strings.Trim(secret, urlPlain) != "" {
		return answer{status: http.StatusNotFound}
	}
	defer func() {
		if recover() != nil {
			h.panicked("Notify")
			a = answer{status: http.StatusInternalServerError}
		}
	}()
	if !h.kiosk.Notify(secret) {
		return answer{status: http.StatusNotFound}
	}
	return answer{status: http.StatusOK}
}

// refusal reports whether the caller got nothing of what it came for.
func (a answer) refusal() bool { return a.code != "" || a.status != http.StatusOK }

func (a answer) write(w http.ResponseWriter) {
	var body []byte
	if a.reference != "" || a.code != "" {
		body, _ = json.Marshal(struct { // two strings always have a JSON form
			Reference string    `json:"invoiceReferenceId,omitempty"`
			Code      ErrorCode `json:"errorCode,omitempty"`
		}{a.reference, a.code})
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	}
	if a.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a caller that has gone will ask again
}

// record writes one line, of fixed words and numbers only: a method and a path are the sender's to choose, and might
// hold a phone number or a secret. Anybody can make as many of them as they like, so that they are all limited; a new
// customer's line, which a technician looks for, has a share of its own.
func (h *handler) record(method, kind string, a answer, took time.Duration) {
	share := h.noise
	if a.news {
		share = h.news
	}
	if !share.Allow() {
		h.unlogged.Add(1)
		return
	}
	switch method {
	case http.MethodPost, http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	e := h.config.Log.Info().Str("method", method).Str("path", kind).Int("status", a.status).Dur("took_ms", took)
	if a.code != "" {
		e.Str("code", string(a.code))
	}
	if a.why != "" {
		e.Str("why", a.why)
	}
	if n := h.unlogged.Swap(0); n > 0 {
		e.Uint64("unlogged", n)
	}
	e.Msg("ups: request")
}
