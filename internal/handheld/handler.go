package handheld

import (
	"embed"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed page/style.css
var files embed.FS

const cookieName = "kioskd_technician"

// policy lets the page show itself and send its forms, and nothing else: it has no script.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

const byMax, reasonMax = 64, 500 // bytes: a name, and a few sentences

// ServeHTTP answers what is below /t/. Whether the request is meant for this machine, and comes from no other site's
// page, is looked at before.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
	what := strings.TrimPrefix(r.URL.Path, "/t/")
	v, in := visitor{}, false
	if c, err := r.Cookie(cookieName); err == nil {
		v, in = p.known(c.Value)
	}
	if lang := r.URL.Query().Get("lang"); library()[lang] != nil {
		http.SetCookie(w, &http.Cookie{Name: "kioskd_language", Value: lang, Path: "/t/", HttpOnly: true,
			SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	}
	view := p.view(r, v)
	switch {
	case r.Method == http.MethodPost:
		p.post(w, r, view, in, what)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD, POST")
		view.message(w, http.StatusMethodNotAllowed, "not_so")
	case what == "style.css":
		http.ServeFileFS(w, r, files, "page/style.css")
	case p.good(what):
		view.entrance(w, http.StatusOK, what, "", "")
	case !in:
		view.message(w, http.StatusForbidden, "page_closed")
	default:
		p.show(w, r, view, what)
	}
}

// post is a form. A code is used up by its form alone: what looks ahead, or opens the address twice, changes nothing.
func (p *Page) post(w http.ResponseWriter, r *http.Request, view *view, in bool, what string) {
	if err := r.ParseForm(); err != nil {
		view.message(w, http.StatusBadRequest, "not_so")
		return
	}
	switch {
	case !in && p.good(what):
		p.begin(w, r, view, what)
	case !in:
		view.message(w, http.StatusForbidden, "page_closed")
	case what == "unlock":
		right, looked := p.trusts(r.PostForm.Get("token"))
		if !right {
			p.refuseToken(w, view, looked)
			return
		}
		p.unlock(view.who)
		p.cfg.Log.Info().Str("by", view.who.by).Msg("a technician may act on the phone's page")
		http.Redirect(w, r, "/t/", http.StatusSeeOther)
	case what == "leave":
		p.leave(view.who)
		view.message(w, http.StatusOK, "left")
	case what == "act":
		p.act(w, r, view)
	default:
		view.message(w, http.StatusNotFound, "nothing_here")
	}
}

func (p *Page) refuseToken(w http.ResponseWriter, view *view, looked bool) {
	if !looked {
		w.Header().Set("Retry-After", "12")
		view.message(w, http.StatusTooManyRequests, "token_wait")
		return
	}
	p.cfg.Log.Warn().Str("by", view.who.by).Msg("a wrong token was given on the technician's page")
	view.message(w, http.StatusForbidden, "token_wrong")
}

// begin opens a session for who came by the code.
func (p *Page) begin(w http.ResponseWriter, r *http.Request, view *view, code string) {
	by, token := strings.TrimSpace(r.PostForm.Get("by")), r.PostForm.Get("token")
	if !sayable(by, byMax) {
		view.entrance(w, http.StatusBadRequest, code, by, "say_name")
		return
	}
	acts := false
	if token != "" {
		right, looked := p.trusts(token)
		switch {
		case !looked:
			w.Header().Set("Retry-After", "12")
			view.entrance(w, http.StatusTooManyRequests, code, by, "token_wait")
			return
		case !right:
			p.cfg.Log.Warn().Str("by", by).Msg("a wrong token was given on the technician's page")
			view.entrance(w, http.StatusForbidden, code, by, "token_wrong")
			return
		}
		acts = true
	}
	cookie := p.enter(code, by, acts)
	if cookie == "" { // somebody was quicker
		view.message(w, http.StatusForbidden, "page_closed")
		return
	}
	p.cfg.Lend("", 0)
	p.cfg.Log.Info().Str("by", by).Bool("acts", acts).Msg("a technician opened the phone's page")
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: cookie, Path: "/t/", HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil, MaxAge: int(sessionFor.Seconds())})
	http.Redirect(w, r, "/t/", http.StatusSeeOther)
}

// sayable reports whether a text is there, and can stand on one line of a record.
func sayable(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
