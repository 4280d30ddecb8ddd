package handheld

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kioskd/fsm"
	"kioskd/internal/doctor"
	"kioskd/internal/journal"
	"kioskd/internal/story"
	"kioskd/internal/wiring"
)

const (
	salesMax = 30  // rows of the list of sales
	storyMax = 400 // lines of a sale: the last ones
)

func itoa(n int) string { return strconv.Itoa(n) }

// saleLine is a sale in a list.
type saleLine struct{ ID, Note string }

// show answers a page that changes nothing.
func (p *Page) show(w http.ResponseWriter, r *http.Request, v *view, what string) {
	ctx, cancel := context.WithTimeout(r.Context(), answerIn)
	defer cancel()
	id := r.URL.Query().Get("id")
	switch what {
	case "":
		doubts, err := p.cfg.Sales.InDoubt(ctx)
		var lines []saleLine
		for _, d := range doubts[:min(len(doubts), salesMax)] {
			lines = append(lines, saleLine{d.ID, d.Note})
		}
		v.home(w, lines, err != nil)
		return
	case "slot":
		if v.slot(w, id) {
			return
		}
	case "sales":
		v.sales(ctx, w)
		return
	case "sale":
		v.sale(ctx, w, id)
		return
	case "doctor":
		v.doctor(w)
		return
	case "wiring":
		v.wiring(w)
		return
	case "wiring.svg":
		w.Header().Set("Content-Type", "image/svg+xml")
		_ = wiring.Draw(w, p.cfg.Machine.Machine.Name, wiring.Parts(p.cfg.Machine)) // the phone went away
		return
	case "done":
		if o, sent := p.became(v.who, r.URL.Query().Get("form")); sent {
			v.done(w, o)
			return
		}
	case "act", "unlock", "leave":
		http.Redirect(w, r, "/t/", http.StatusSeeOther)
		return
	}
	v.message(w, http.StatusNotFound, "nothing_here")
}

// done says what became of a form.
func (v *view) done(w http.ResponseWriter, o outcome) {
	said := v.say(o.say, o.fill...)
	if o.vend != "" {
		switch s := v.page.cfg.Kiosk.State().Service; {
		case s.ID != o.vend:
			said = v.say("test_over", o.fill[0])
		case !s.Ended:
			v.refresh = true
		default:
			said = v.say("test_"+string(s.Outcome), o.fill[0])
			if s.Why != "" {
				said += " (" + strings.ReplaceAll(string(s.Why), "_", " ") + ")"
			}
		}
	}
	v.Add(`<p role="status" class="said good">%s</p><p><a class="act" href="%s">%s</a></p>`, said, o.back, v.say("go_on"))
	v.send(w, http.StatusOK, v.say("service"))
}

func (v *view) sales(ctx context.Context, w http.ResponseWriter) {
	sales, err := v.page.cfg.Sales.SalesBefore(ctx, math.MaxInt64, salesMax)
	if err != nil {
		v.message(w, http.StatusServiceUnavailable, "unreadable")
		return
	}
	v.Add(`<ul class="list">`)
	for _, s := range sales {
		v.Add(`<li><a href="/t/sale?id=%s"><b>%s</b> <span class="name">%s</span> <span class="tag">%s</span></a></li>`, s.ID,
			s.ID, v.when(s.Started), strings.ReplaceAll(s.State, "_", " "))
	}
	v.Add(`</ul>`)
	if len(sales) == 0 {
		v.Add(`<p>%s</p>`, v.say("no_sales"))
	}
	v.send(w, http.StatusOK, v.say("sales"))
}

func (v *view) when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	zone := v.page.cfg.Machine.Machine.Timezone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04:05")
}

// sale is the log of one sale; of one in doubt also what is known, and the verdicts.
func (v *view) sale(ctx context.Context, w http.ResponseWriter, id string) {
	entries, err := v.page.cfg.Sales.Entries(ctx, id)
	if err == nil && len(entries) == 0 {
		v.message(w, http.StatusNotFound, "nothing_here")
		return
	}
	var doubts []journal.Sale
	if err == nil {
		doubts, err = v.page.cfg.Sales.InDoubt(ctx)
	}
	if err != nil {
		v.message(w, http.StatusServiceUnavailable, "unreadable")
		return
	}
	for _, d := range doubts {
		if d.ID == id {
			v.verdict(d)
		}
	}
	if s := v.page.cfg.Kiosk.State(); s.Helpless() && s.Sale.ID == id {
		v.verdict(journal.Sale{ID: id, State: string(s.Stage), Note: s.Sale.Note, Currency: s.Sale.Reserved.Currency,
			Reserved: s.Sale.Reserved.Decimal(), InvoiceReference: s.Sale.Reference})
	}
	v.Add(`<h2>%s</h2><ol class="story">`, v.say("log"))
	for _, e := range entries[max(0, len(entries)-storyMax):] {
		v.Add(`<li><time>%s</time> %s</li>`, v.when(e.Wall), story.Line(e.Event, e.Body, e.After))
	}
	v.Add(`</ol>`)
	v.send(w, http.StatusOK, v.say("sale", id))
}

// verdict shows what is known of a sale in doubt, and asks for a person's decision.
func (v *view) verdict(d journal.Sale) {
	v.Add(`<section class="doubts" aria-labelledby="known"><h2 id="known">%s</h2><dl>`, v.say("what_is_known"))
	fact := func(name, value string) {
		if value != "" {
			v.Add(`<div><dt>%s</dt><dd>%s</dd></div>`, v.say(name), value)
		}
	}
	fact("doubt", d.Note)
	fact("reserved", d.Reserved+" "+d.Currency)
	fact("was_charged", d.Charged+" "+d.Currency)
	fact("refunded", d.Refunded+" "+d.Currency)
	fact("invoice", d.InvoiceReference)
	for _, i := range d.Items {
		fact("item", cmp.Or(i.Name, i.Slot)+" ("+i.Slot+"), "+i.Price+": "+strings.ReplaceAll(i.Outcome, "_", " "))
	}
	v.Add(`</dl></section>`)
	if !v.who.acts {
		v.locked()
		return
	}
	v.form("resolve", "")
	v.Add(`<input type="hidden" name="sale" value="%s"><fieldset><legend>%s</legend>`, d.ID, v.say("decide"))
	for _, one := range []fsm.Decision{fsm.Charge, fsm.Release, fsm.Refund} {
		v.Add(`<p class="choice"><input type="radio" required name="decision" id="%s" value="%s"> <label for="%s">%s</label></p>`,
			string(one), string(one), string(one), v.say("verdict_"+string(one)))
	}
	v.Add(`</fieldset><p class="choice"><input type="checkbox" name="by_hand" id="by_hand" value="1"> `+
		`<label for="by_hand">%s</label></p>`, v.say("by_hand"))
	v.why("resolve", v.say("settle"))
}

func (v *view) doctor(w http.ResponseWriter) {
	found := v.page.findings()
	v.Add(`<p class="hint">%s</p>`, v.say("doctor_hint"))
	for _, bad := range []bool{true, false} {
		v.Add(`<ul class="findings">`)
		for _, f := range found {
			if bad == (f.State == doctor.OK) {
				continue
			}
			v.Add(`<li class="`+string(f.State)+`"><b>%s</b> %s: %s`, v.say("found_"+string(f.State)), f.Area, f.Says)
			v.Some(`<br><span class="remedy">→ %s</span>`, f.Remedy)
			v.Add(`</li>`)
		}
		v.Add(`</ul>`)
	}
	v.send(w, http.StatusOK, v.say("doctor"))
}

func (v *view) wiring(w http.ResponseWriter) {
	v.Add(`<div class="drawing" tabindex="0" role="region" aria-label="%s"><img src="/t/wiring.svg" alt="%s"></div>`,
		v.say("wiring"), v.say("drawing"))
	v.Add(`<ul class="list wires">`)
	for _, part := range wiring.Parts(v.page.cfg.Machine) {
		v.Add(`<li><b>%s</b> %s <span class="name">%s %s</span>`, part.Pin, position(part.Position), part.Slot, part.Name)
		v.Add(`<br>%s`, part.Does)
		v.Some(`<br><span class="remedy">+ %s</span>`, part.Add)
		v.Some(`<br><span class="bad">%s</span>`, part.Warning)
		v.Add(`</li>`)
	}
	v.Add(`</ul>`)
	v.send(w, http.StatusOK, v.say("wiring"))
}

func position(n int) string {
	if n == 0 {
		return ""
	}
	return "(" + itoa(n) + ")"
}
