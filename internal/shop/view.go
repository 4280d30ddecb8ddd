package shop

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rsc.io/qr"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/internal/front"
	"kioskd/internal/reason"
	"kioskd/internal/receipt"
	"kioskd/internal/words"
	"kioskd/ups"
)

// Step is what a page shows.
type Step string

// The steps.
const (
	Choose Step = "choose" // a product
	Busy   Step = "busy"   // somebody else is served
	Closed Step = "closed" // nothing can be bought now
	Wait   Step = "wait"   // for the machine
	Pay    Step = "pay"    // in the app
	Ended  Step = "ended"  // the sale is over, and this is what came of it
	Gone   Step = "gone"   // this page may begin nothing: scan the code again
)

// View is the whole of a page's state: GET state, and each event.
type View struct {
	At        int64  `json:"at"` // microseconds of the machine's clock: the newest counts, whichever way it comes
	Step      Step   `json:"step"`
	Title     string `json:"title"`
	Sale      string `json:"sale,omitempty"`      // its short code
	State     string `json:"state,omitempty"`     // of fsm.SaleState
	Link      string `json:"link,omitempty"`      // opens the app with the invoice: "seqr://…"
	StatusURL string `json:"statusURL,omitempty"` // for Glase's own plug-in
	Remaining int64  `json:"remaining,omitempty"` // milliseconds that are left to act
	Time      string `json:"time,omitempty"`      // the same in words
	HTML      string `json:"html"`                // what is shown, but for Time
}

// look is what a visit's page shows now.
func (s *Shop) look(v *visit, language string) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view(v, language)
}

// view is look, with s locked.
func (s *Shop) view(v *visit, language string) View {
	cfg, now := s.cfg.Machine, s.cfg.Now()
	if language != "" {
		cfg.Machine.Language = language
	}
	c := content{words: &words.In(cfg.Machine.Language).Page, language: cfg.Machine.Language}
	var out View
	own := s.state
	switch {
	case v.sale.ID == "":
		s.nothingYet(v, &c, cfg.Machine.Language)
	case v.sale.Ended || s.state.Sale.ID != v.sale.ID:
		own = fsm.State{Stage: fsm.Ready, Sale: v.sale, Live: fsm.Live{ShowTill: now + 1}}
		if !v.sale.Ended { // its end was not told: another sale is on by now
			own.Sale.Ended, own.Sale.State, own.Sale.Why = true, fsm.InDoubt, reason.InDoubt
		}
		fallthrough
	default:
		screen := front.Draw(cfg, own, now, "")
		c.text = display.Text(screen)
		out.Sale, out.State = v.sale.ID, string(v.sale.State)
		c.step = Wait
		switch {
		case own.Sale.Ended || own.Stage == fsm.Receipting:
			c.step, c.text.Hint = Ended, c.words.Again
			head := receipt.Head{Language: cfg.Machine.Language, Timezone: cfg.Machine.Timezone}
			if r, err := head.Of(own.Sale, v.ended); err == nil { // something was paid
				c.rest = r.Rest()
			}
		case screen.Kind == display.Scan && v.sale.QR != "":
			c.step, c.cancel, c.link, c.invoice = Pay, true, phoneLink(v.sale.QR), v.sale.Reference
			c.text.Title = fmt.Sprintf(c.words.Pay, screen.Amount.Local(c.language))
			c.text.Lines = []string{screen.Product}
			c.text.Hint = c.words.PayWait
			out.StatusURL = ups.NotificationURL(s.cfg.Machine.UPS.PublicURL, v.sale.Secret)
			out.Remaining, out.Time = screen.Remaining.Milliseconds(), c.text.Time
		case own.Stage == fsm.Invoicing || own.Stage == fsm.Awaiting:
			c.cancel = true
		}
	}
	out.At = int64(now) / 1000
	out.Step, out.Title, out.Link = c.step, c.text.Title, c.link
	out.HTML = c.html()
	return out
}

// nothingYet fills in the page of who has begun no sale.
func (s *Shop) nothingYet(v *visit, c *content, language string) {
	cfg := s.cfg.Machine
	cfg.Machine.Language = language
	idle := s.state // as the next customer finds it: nothing of anybody's sale
	idle.Sale, idle.Live, idle.Deadline = fsm.Sale{}, fsm.Live{}, 0
	screen := front.Draw(cfg, idle, s.cfg.Now(), "")
	screen.Notice = reason.Why(v.refused)
	if v.refused == fsm.NotChoosing || v.refused == fsm.NoSuchSlot || v.refused == fsm.SystemError {
		screen.Notice = ""
	}
	c.text = display.Text(screen)
	switch {
	case v.asks:
		c.step, c.text = Wait, display.Text(display.Screen{Kind: display.Settling, Language: language})
	case v.used, s.cfg.Now().Since(v.begun) > orderIn:
		c.step, c.text = Gone, display.Wording{Title: c.words.Used, Lines: []string{c.words.UsedLine}}
	case s.state.Busy():
		c.step, c.text = Busy, display.Wording{Title: c.words.Busy, Lines: []string{c.words.BusyLine}}
	case screen.Kind == display.Idle:
		c.step, c.buy = Choose, true
		c.text.Title, c.text.Lines, c.text.Hint = c.words.Choose, []string{c.words.Line}, ""
		for n, o := range idle.Offers() {
			if o.AtMachine && n < len(c.text.List) { // chosen at a machine of its own
				c.text.List[n].Off = true
			}
		}
	default:
		c.step = Closed
	}
}

// phoneLink is a QR's text as a link that opens the app.
func phoneLink(qr string) string {
	if _, rest, ok := strings.Cut(qr, ":"); ok {
		return "seqr:" + rest
	}
	return ""
}

// page answers the whole page.
func (s *Shop) page(w http.ResponseWriter, r *http.Request, v *visit) {
	if v == nil {
		s.refusedPage(w, r, nil)
		return
	}
	language := languageOf(r, s.cfg.Machine.Machine.Language)
	s.write(w, http.StatusOK, language, s.look(v, language))
}

// refusedPage tells who has no page what to do. One whose browser kept the cookie from this request, since an app
// opened the page, asks once more by itself.
func (s *Shop) refusedPage(w http.ResponseWriter, r *http.Request, v *visit) {
	language := languageOf(r, s.cfg.Machine.Machine.Language)
	word := words.In(language).Page
	c := content{step: Gone, words: &word, language: language,
		text: display.Wording{Title: word.Used, Lines: []string{word.UsedLine}}}
	if r.URL.Path == s.prefix+"/s/" {
		c.text = display.Wording{Title: word.Cookies, Lines: []string{word.CookiesLine}}
	}
	if v != nil { // who has a page already goes on with it
		s.page(w, r, v)
		return
	}
	s.write(w, http.StatusForbidden, language, View{Step: Gone, Title: c.text.Title, HTML: c.html()})
}

// write sends a page that shows a view.
func (s *Shop) write(w http.ResponseWriter, status int, language string, v View) {
	text := v.document(s.cfg.Machine.Machine.Name, language)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a browser that has gone asks again
}

// qr answers the invoice's code as a drawing, while it can be paid.
func (s *Shop) qr(w http.ResponseWriter, v *visit) {
	s.mu.Lock()
	payload := ""
	if s.view(v, "").Step == Pay {
		payload = v.sale.QR
	}
	s.mu.Unlock()
	code, err := qr.Encode(payload, qr.M)
	if payload == "" || err != nil {
		http.Error(w, "there is nothing to pay", http.StatusNotFound)
		return
	}
	const quiet = 4
	var b bytes.Buffer
	size := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[1]d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="`, size)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write(b.Bytes())
}

// languageOf is the first of the browser's languages that the machine speaks, or the machine's own.
func languageOf(r *http.Request, own string) string {
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if slices.Contains(words.Languages(), base) {
			return base
		}
	}
	return own
}
