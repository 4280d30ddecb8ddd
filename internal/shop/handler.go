package shop

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"kioskd/fsm"
)

//go:embed page
var files embed.FS

// cookieName is of the cookie that a page is known by.
const cookieName = "kioskd_page"

// orderWithin bounds the wait for the machine's word on a choice.
const orderWithin = 5 * time.Second

// policy lets the page do what it does, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Takes reports whether a request on the customers' side is the page's business.
func (s *Shop) Takes(r *http.Request) bool {
	rest, ours := strings.CutPrefix(r.URL.Path, s.prefix)
	return ours && (strings.HasPrefix(rest, "/s/") ||
		strings.HasPrefix(rest, "/notify/") && (r.Method == http.MethodGet || r.Method == http.MethodHead))
}

// ServeHTTP answers what Takes takes.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		h.Set(name, value)
	}
	rest := strings.TrimPrefix(r.URL.Path, s.prefix)
	if secret, status := strings.CutPrefix(rest, "/notify/"); status {
		s.plugin(w, secret)
		return
	}
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
	s.mu.Lock()
	v := s.visitOf(r)
	admitted := s.admits(r, v)
	if admitted && v != nil {
		v.heard = s.cfg.Now()
	}
	s.mu.Unlock()
	what := strings.TrimPrefix(rest, "/s/")
	switch {
	case !admitted:
		h.Set("Retry-After", "1")
		http.Error(w, "too many requests: wait a moment", http.StatusTooManyRequests)
	case r.Method == http.MethodPost:
		s.post(w, r, v, what)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	default:
		s.get(w, r, v, what)
	}
}

// get answers what changes nothing but who has a code.
func (s *Shop) get(w http.ResponseWriter, r *http.Request, v *visit, what string) {
	switch what {
	case "":
		s.page(w, r, v)
	case "page.css", "page.js":
		w.Header().Set("Cache-Control", "max-age=300")
		http.ServeFileFS(w, r, files, path.Join("page", what))
	case "state", "events", "qr.svg", "open":
		if v == nil {
			refuse(w, r, http.StatusForbidden, "this page is not known: scan the code on the machine's screen")
			return
		}
		switch what {
		case "state":
			writeJSON(w, http.StatusOK, s.look(v, languageOf(r, s.cfg.Machine.Machine.Language)))
		case "events":
			s.follow(w, r, v)
		case "qr.svg":
			s.qr(w, v)
		case "open":
			s.opened(v)
			if link := s.look(v, "").Link; link != "" {
				w.Header().Set("Location", link)
				w.WriteHeader(http.StatusSeeOther)
				return
			}
			http.Redirect(w, r, s.path, http.StatusSeeOther)
		}
	case "order", "cancel", "opened": // a form's answer is asked for again, as a gateway's page does for a lost machine
		http.Redirect(w, r, s.path, http.StatusSeeOther)
	default:
		s.enter(w, r, v, what)
	}
}

// enter is a scanned code. What only looks ahead (a preview, a prefetch) does not use it up.
func (s *Shop) enter(w http.ResponseWriter, r *http.Request, v *visit, nonce string) {
	ahead := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose") + r.Header.Get("X-Moz")
	if r.Method == http.MethodHead || strings.Contains(ahead, "prefetch") || strings.Contains(ahead, "preview") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	cookie := s.open(nonce)
	if cookie == "" {
		s.refusedPage(w, r, v)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: cookie, Path: s.path, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(s.origin, "https:")})
	s.mu.Lock()
	v = s.visits[claimOf(cookie)]
	s.mu.Unlock()
	s.page(w, r, v)
}

// post is something that the customer does on the page.
func (s *Shop) post(w http.ResponseWriter, r *http.Request, v *visit, what string) {
	var tooLarge *http.MaxBytesError
	err := r.ParseForm()
	switch {
	case !s.ours(r):
		refuse(w, r, http.StatusForbidden, "only the page itself may ask for this")
		return
	case v == nil:
		refuse(w, r, http.StatusForbidden, "this page is not known: scan the code on the machine's screen")
		return
	case errors.As(err, &tooLarge):
		refuse(w, r, http.StatusRequestEntityTooLarge, "too much was sent")
		return
	case err != nil:
		refuse(w, r, http.StatusBadRequest, "the form is not understood")
		return
	}
	switch what {
	case "order":
		s.order(r.Context(), v, r.PostForm.Get("slot"))
	case "cancel":
		s.cancel(v)
	case "opened":
		s.opened(v)
	default:
		refuse(w, r, http.StatusNotFound, "nothing is here")
		return
	}
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, s.look(v, languageOf(r, s.cfg.Machine.Machine.Language)))
		return
	}
	http.Redirect(w, r, s.path, http.StatusSeeOther)
}

// order begins the visit's sale, if it may have one.
func (s *Shop) order(ctx context.Context, v *visit, slot string) {
	s.mu.Lock()
	may := s.mayOrder(v)
	if may {
		v.asks = true // two taps are one sale
	}
	s.mu.Unlock()
	if !may {
		return
	}
	// a browser that goes away does not end it: the sale's page knows it by its claim
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orderWithin)
	defer cancel()
	refused := s.cfg.Kiosk.ChooseOnPage(ctx, slot, v.claim)
	s.mu.Lock()
	defer s.mu.Unlock()
	v.asks, v.refused = false, refused
	v.used = v.used || refused == "" || refused == fsm.SystemError // which may have begun one
	if s.state.Sale.Claim != v.claim {                             // the step may be told after its answer
		s.state = s.cfg.Kiosk.State()
	}
	if s.state.Sale.Claim == v.claim {
		v.sale = s.state.Sale
	}
	s.tell()
}

// mayOrder reports whether the visit may begin a sale now. It is called with s locked.
func (s *Shop) mayOrder(v *visit) bool {
	return !v.asks && !v.used && s.cfg.Now().Since(v.begun) <= orderIn
}

// cancel ends the visit's own sale.
func (s *Shop) cancel(v *visit) {
	s.mu.Lock()
	sale := v.sale
	s.mu.Unlock()
	if sale.ID != "" && !sale.Ended {
		s.cfg.Kiosk.CancelSale(sale.ID)
	}
}

// opened notes that the customer is in the app.
func (s *Shop) opened(v *visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.opened = v.opened || v.sale.ID != "" && !v.sale.Ended
}

// plugin answers the browser plug-in of Glase's, which asks each second and stops at any status but ISSUED, and at 404.
func (s *Shop) plugin(w http.ResponseWriter, secret string) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	sale := s.cfg.Kiosk.State().Sale
	status := statusOf(sale)
	if sale.Flow != fsm.Web || sale.Secret == "" || !same(secret, sale.Secret) || status == "" {
		http.Error(w, "nothing is known of this sale any more", http.StatusNotFound)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Status     fsm.PayStatus `json:"status"`
		ResultCode int           `json:"resultCode"`
	}{status, 0})
}

// statusOf is how a sale's payment stands, in Glase's words; "": there is nothing to say that would be certain.
func statusOf(sale fsm.Sale) fsm.PayStatus {
	switch {
	case sale.State == fsm.InDoubt || sale.State == fsm.Lost:
		return ""
	case !sale.Charged.IsZero():
		return fsm.StatusPaid
	case !sale.Ended:
		return fsm.StatusIssued
	case sale.State == fsm.Failed:
		return fsm.StatusFailed
	}
	return fsm.StatusCanceled
}

// wantsJSON reports whether the page's script asks, and not a form.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// refuse says why something is not done.
func refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	if wantsJSON(r) {
		writeJSON(w, status, map[string]string{"error": why})
		return
	}
	http.Error(w, why, status)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("shop: %v", err)) // plain values
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a browser that has gone asks again
}
