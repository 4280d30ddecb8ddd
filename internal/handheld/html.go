package handheld

import (
	"net/http"
	"slices"
	"strings"

	"kioskd/fsm"
	"kioskd/internal/reason"
)

// view is the page in one language for one visitor.
type view struct {
	builder
	page    *Page
	who     visitor
	words   words
	lang    string
	refresh bool // it is asked for again in a moment
}

func (p *Page) view(r *http.Request, v visitor) *view {
	lang := languageOf(r, p.cfg.Machine.Machine.Language)
	return &view{page: p, who: v, words: library()[lang], lang: lang}
}

// ours has it that the texts of the words are HTML already nowhere: Add escapes all of them.
func (v *view) say(name string, fill ...string) string { return v.words.say(name, fill...) }

// send answers with the page around what was written, under a title.
func (v *view) send(w http.ResponseWriter, code int, title string) {
	var m builder
	m.Add(`<!doctype html>`)
	m.Add(`<html lang="%s"><head><meta charset="utf-8">`, v.lang)
	m.Add(`<meta name="viewport" content="width=device-width, initial-scale=1">`)
	m.Add(`<meta name="color-scheme" content="light dark"><title>%s – %s</title>`, title, v.page.cfg.Machine.Machine.Name)
	if v.refresh {
		m.Add(`<meta http-equiv="refresh" content="2">`)
	}
	m.Add(`<link rel="stylesheet" href="/t/style.css"></head><body>`)
	m.Add(`<header><p class="machine">%s</p>`, v.page.cfg.Machine.Machine.Name)
	if v.who.by != "" {
		m.Add(`<nav aria-label="%s"><a href="/t/">%s</a> <a href="/t/sales">%s</a> <a href="/t/doctor">%s</a> `+
			`<a href="/t/wiring">%s</a></nav>`, v.say("pages"), v.say("machine"), v.say("sales"), v.say("doctor"),
			v.say("wiring"))
	}
	m.Add(`</header><main><h1>%s</h1>`, title)
	m.WriteString(v.String())
	m.Add(`</main><footer>`)
	if v.who.by != "" {
		m.Add(`<form method="post" action="/t/leave"><p>%s</p><button class="quiet">%s</button></form>`,
			v.say("known_as", v.who.by), v.say("leave"))
	}
	m.Add(`<p class="languages">`)
	for _, tag := range []string{"de", "en", "fi", "sv"} {
		current := ""
		if tag == v.lang {
			current = ` aria-current="true"`
		}
		m.Add(`<a href="?lang=%s" lang="%s" hreflang="%s"`+current+`>%s</a>`, tag, tag, tag, library()[tag]["language"])
	}
	m.Add(`</p></footer></body></html>`)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(m.String())) // a phone that went away has no use for the rest
}

// message is a page that says one thing.
func (v *view) message(w http.ResponseWriter, code int, name string) {
	role := "status"
	if code >= http.StatusBadRequest {
		role = "alert"
	}
	v.Add(`<p role="`+role+`" class="said">%s</p>`, v.say(name))
	if v.who.by != "" {
		v.Add(`<p><a class="act" href="/t/">%s</a></p>`, v.say("go_on"))
	}
	title := "service"
	if code >= http.StatusBadRequest {
		title = "not_done"
	}
	if name == "left" {
		v.who = visitor{}
	}
	v.send(w, code, v.say(title))
}

// entrance asks who comes by the code.
func (v *view) entrance(w http.ResponseWriter, status int, code, by, wrong string) {
	if wrong != "" {
		v.Add(`<p role="alert" class="said">%s</p>`, v.say(wrong))
	}
	v.Add(`<form method="post" action="/t/%s">`, code)
	v.Add(`<p><label for="by">%s</label><input id="by" name="by" required maxlength="60" autocomplete="name" value="%s"></p>`,
		v.say("your_name"), by)
	if v.page.cfg.Token == "" {
		v.Add(`<p class="hint">%s</p>`, v.say("no_token"))
	} else {
		v.Add(`<p><label for="token">%s</label><input id="token" name="token" type="password" autocomplete="current-password" `+
			`aria-describedby="token-hint"></p><p class="hint" id="token-hint">%s</p>`, v.say("token"), v.say("token_hint"))
	}
	v.Add(`<button class="act">%s</button></form>`, v.say("enter"))
	v.send(w, status, v.say("service"))
}

// locked asks for the token, where nothing can be done without it.
func (v *view) locked() {
	if v.page.cfg.Token == "" {
		v.Add(`<p class="hint">%s</p>`, v.say("no_token"))
		return
	}
	v.Add(`<form method="post" action="/t/unlock" class="card"><p><label for="token">%s</label>`+
		`<input id="token" name="token" type="password" autocomplete="current-password" required></p>`+
		`<button class="act">%s</button></form>`, v.say("token"), v.say("unlock"))
}

// form begins a form that acts, which is good for once.
func (v *view) form(do, slot string) {
	v.Add(`<form method="post" action="/t/act" class="card"><input type="hidden" name="form" value="%s">`+
		`<input type="hidden" name="do" value="%s">`, v.page.cfg.Secret(), do)
	if slot != "" {
		v.Add(`<input type="hidden" name="slot" value="%s">`, slot)
	}
}

// why asks for the reason of an act, and ends its form with the button.
func (v *view) why(do, button string) {
	v.Add(`<p><label for="why-%s">%s</label><input id="why-%s" name="reason" required maxlength="400" autocomplete="off"></p>`,
		do, v.say("why"), do)
	v.Add(`<button class="quiet">%s</button></form>`, button)
}

// home is how the machine stands, what waits for a person, and the slots.
func (v *view) home(w http.ResponseWriter, doubts []saleLine, unread bool) {
	s := v.page.cfg.Kiosk.State()
	if unread {
		v.Add(`<p role="alert" class="said">%s</p>`, v.say("unreadable"))
	}
	v.Add(`<p class="state state-%s">%s</p>`, string(s.Stage.Phase()), v.standing(s))
	if s.Busy() {
		v.Add(`<p><a href="/t/sale?id=%s">%s</a></p>`, s.Sale.ID, v.say("sale", s.Sale.ID))
	}
	if len(doubts) > 0 {
		v.Add(`<section class="doubts" aria-labelledby="doubts"><h2 id="doubts">%s</h2><ul class="list">`, v.say("doubts"))
		for _, d := range doubts {
			v.Add(`<li><a href="/t/sale?id=%s"><b>%s</b> <span>%s</span></a></li>`, d.ID, d.ID, d.Note)
		}
		v.Add(`</ul></section>`)
	}
	if !v.who.acts {
		v.locked()
	}
	v.Add(`<h2>%s</h2><ul class="list slots">`, v.say("slots"))
	for _, o := range s.Offers() {
		v.Add(`<li><a href="/t/slot?id=%s"><span class="key">%s</span> <span class="name">%s</span> <span class="left">%s</span>`,
			o.ID, o.ID, o.Name, v.say("left_n", itoa(o.Left)))
		v.slotState(s, o)
		v.Add(`</a></li>`)
	}
	v.Add(`</ul>`)
	if v.who.acts {
		v.Add(`<h2>%s</h2>`, v.say("whole"))
		if hasFault(s, reason.Operator) {
			v.form("back", "")
			v.why("back", v.say("sell_again"))
		} else {
			v.form("out", "")
			v.why("out", v.say("take_out"))
		}
	}
	v.send(w, http.StatusOK, v.say("machine"))
}

func hasFault(s fsm.State, name reason.Why) bool {
	return slices.ContainsFunc(s.Faults, func(f fsm.Fault) bool { return f.Name == name })
}

// standing is how the machine stands, in a sentence.
func (v *view) standing(s fsm.State) string {
	switch {
	case s.Busy():
		return v.say("selling", strings.ReplaceAll(string(s.Stage), "_", " "))
	case s.Stage == fsm.Ready:
		return v.say("ready")
	case s.Stage == "":
		return v.say("stands", string(reason.Starting))
	}
	return v.say("stands", strings.ReplaceAll(string(s.Reason), "_", " "))
}

func (v *view) slotState(s fsm.State, o fsm.Offer) {
	switch {
	case o.State == fsm.SlotClosed:
		v.Add(`<span class="tag bad">%s</span>`, v.say("closed_for", strings.ReplaceAll(string(s.ClosedSlots()[o.ID]), "_", " ")))
	case o.State == fsm.SlotSoldOut:
		v.Add(`<span class="tag">%s</span>`, v.say("none_left"))
	}
}

// slot is one slot and what can be done with it; false: there is none.
func (v *view) slot(w http.ResponseWriter, id string) bool {
	s := v.page.cfg.Kiosk.State()
	offers := s.Offers()
	n := slices.IndexFunc(offers, func(o fsm.Offer) bool { return o.ID == id })
	if n < 0 {
		return false
	}
	o := offers[n]
	v.Add(`<p>%s: %s. %s</p><p>`, o.Name, o.Price.String(), v.say("left_n", itoa(o.Left)))
	v.slotState(s, o)
	v.Add(`</p>`)
	switch {
	case !v.who.acts:
		v.locked()
	case s.Busy():
		v.Add(`<p role="status" class="said">%s</p>`, v.say("sale_is_on"))
	default:
		v.slotForms(o)
	}
	v.send(w, http.StatusOK, v.say("slot", o.ID))
	return true
}

func (v *view) slotForms(o fsm.Offer) {
	v.Add(`<h2>%s</h2>`, v.say("restock"))
	v.form("more", o.ID)
	v.Add(`<p><label for="more">%s</label><input id="more" name="number" inputmode="numeric" pattern="-?[0-9]+" required></p>`+
		`<button class="act">%s</button></form>`, v.say("more"), v.say("add"))
	v.form("count", o.ID)
	v.Add(`<p><label for="count">%s</label><input id="count" name="number" inputmode="numeric" pattern="[0-9]+" required></p>`+
		`<button class="quiet">%s</button></form>`, v.say("count"), v.say("set"))
	v.Add(`<h2>%s</h2>`, v.say("test"))
	v.form("test", o.ID)
	v.Add(`<p>%s</p><button class="quiet">%s</button></form>`, v.say("test_hint"), v.say("test_go", o.ID))
	v.Add(`<h2>%s</h2>`, v.say("for_sale"))
	if o.State == fsm.SlotClosed {
		v.form("open", o.ID)
		v.why("open", v.say("open"))
	} else {
		v.form("close", o.ID)
		v.why("close", v.say("close"))
	}
}
