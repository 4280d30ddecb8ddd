package handheld

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

// outcome is what became of a form: a text of the words, and what is filled into it.
type outcome struct {
	say  string
	fill []string
	vend string // a test's id: the machine's state says the rest
	back string // the page that the form was on
}

const formMax = 64 // bytes of a form's id

// act carries out a form, once: a form that is sent again, by a double click or a lost answer, is answered with what
// became of it. A restart ends all sessions, so that nothing is sent again after one. What was refused may be sent
// again.
func (p *Page) act(w http.ResponseWriter, r *http.Request, view *view) {
	id := r.PostForm.Get("form")
	done := "/t/done?form=" + url.QueryEscape(id)
	switch {
	case !view.who.acts:
		view.message(w, http.StatusForbidden, "locked")
		return
	case id == "" || len(id) > formMax:
		view.message(w, http.StatusBadRequest, "not_so")
		return
	}
	switch first, known := p.claimForm(view.who, id); {
	case !known:
		view.message(w, http.StatusForbidden, "page_closed")
		return
	case !first:
		http.Redirect(w, r, done, http.StatusSeeOther)
		return
	}
	// the act goes on when the phone is gone, and its end is kept
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerIn)
	defer cancel()
	o, refused := p.carryOut(ctx, view.who.by, r.PostForm)
	if refused != "" {
		p.forget(view.who, id)
		code := http.StatusConflict
		if refused == "say_reason" || refused == "bad_count" || refused == "not_so" {
			code = http.StatusBadRequest
		}
		view.message(w, code, refused)
		return
	}
	p.keep(view.who, id, o)
	p.cfg.Log.Info().Str("by", view.who.by).Str("do", r.PostForm.Get("do")).Str("slot", r.PostForm.Get("slot")).
		Msg("a technician acted on the phone's page")
	http.Redirect(w, r, done, http.StatusSeeOther)
}

// claimForm reports whether a form is sent for the first time, and whether its session still is.
func (p *Page) claimForm(v visitor, id string) (first, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[v.claim]
	if s == nil || !s.acts {
		return false, false
	}
	if _, sent := s.forms[id]; sent {
		return false, true
	}
	s.forms[id] = outcome{say: "not_known", back: "/t/"} // until its end is known
	return true, true
}

func (p *Page) keep(v visitor, id string, o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[v.claim]; s != nil {
		s.forms[id] = o
	}
}

func (p *Page) forget(v visitor, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[v.claim]; s != nil {
		delete(s.forms, id)
	}
}

// became is what became of a form.
func (p *Page) became(v visitor, id string) (outcome, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[v.claim]
	if s == nil {
		return outcome{}, false
	}
	o, sent := s.forms[id]
	return o, sent
}

// carryOut does what a form asks for. refused names a text, and then nothing has followed.
func (p *Page) carryOut(ctx context.Context, by string, form url.Values) (o outcome, refused string) {
	slot, reason := form.Get("slot"), strings.TrimSpace(form.Get("reason"))
	o.back = "/t/"
	if slot != "" {
		o.back = "/t/slot?id=" + url.QueryEscape(slot)
	}
	command := fsm.Command{ID: p.cfg.Secret(), By: by, Reason: reason, AtMachine: true, Slot: slot}
	do := form.Get("do")
	if p.cfg.Kiosk.State().Busy() && do != "resolve" { // which may settle a sale that gets nowhere
		return o, "sale_is_on"
	}
	if slices.Contains([]string{"close", "open", "out", "back", "resolve"}, do) && !sayable(reason, reasonMax) {
		return o, "say_reason"
	}
	switch do {
	case "more", "count":
		n, err := strconv.Atoi(strings.TrimSpace(form.Get("number")))
		if err != nil || n < -fsm.StockMax || n > fsm.StockMax {
			return o, "bad_count"
		}
		was, left, err := p.cfg.Kiosk.CountStock(ctx, slot, by, n, do == "more")
		o.say, o.fill = "counted", []string{slot, strconv.Itoa(left), strconv.Itoa(was)}
		return o.orRefused(err)
	case "test":
		id, err := p.cfg.Kiosk.TestVend(ctx, slot, by)
		o.say, o.fill, o.vend = "test_on", []string{slot}, id
		return o.orRefused(err)
	case "close":
		command.Order, o.say, o.fill = fsm.CloseSlot, "slot_closed", []string{slot}
	case "open":
		command.Order, o.say, o.fill = fsm.OpenSlot, "slot_opened", []string{slot}
	case "out":
		command.Order, o.say = fsm.OutByOrder, "is_out"
	case "back":
		command.Order, o.say = fsm.Back, "is_back"
	case "resolve":
		return p.resolve(ctx, command, form)
	default:
		return o, "not_so"
	}
	return o.orNot(p.cfg.Kiosk.Command(ctx, command, fsm.Sale{}, fsm.Verdict{}))
}

// resolve settles a sale in doubt as the technician decided.
func (p *Page) resolve(ctx context.Context, c fsm.Command, form url.Values) (o outcome, refused string) {
	id := form.Get("sale")
	v := fsm.Verdict{Decision: fsm.Decision(form.Get("decision")), ByHand: form.Get("by_hand") != ""}
	if !slices.Contains([]fsm.Decision{fsm.Charge, fsm.Release, fsm.Refund}, v.Decision) {
		return o, "choose_one"
	}
	sale, err := p.cfg.Doubt(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNoDoubt):
		return o, "nothing_to_do"
	case err != nil:
		p.cfg.Log.Warn().Err(err).Str("sale", id).Msg("a verdict could not be taken")
		return o, "no_record"
	}
	c.Order, c.What, c.Slot = fsm.ResolveSale, id+" "+string(v.Decision), ""
	o = outcome{say: "now_settled", fill: []string{id, string(v.Decision)}, back: "/t/sale?id=" + url.QueryEscape(id)}
	return o.orNot(p.cfg.Kiosk.Command(ctx, c, sale, v))
}

// orNot is the outcome of an order, or why it was not taken. No answer in time is an outcome: it may still be taken.
func (o outcome) orNot(why fsm.Refusal) (outcome, string) {
	switch why {
	case "":
		return o, ""
	case fsm.SaleIsOn, fsm.ActIsOn, fsm.NoRecord, fsm.NothingToDo, fsm.NoSuchSlot, fsm.SaysTooLittle:
		return o, string(why)
	case fsm.DeviceUnavailable:
		return o, string(fsm.NoRecord)
	}
	return outcome{say: "not_known", back: o.back}, ""
}

// orRefused is the same of a test and of a count.
func (o outcome) orRefused(err error) (outcome, string) {
	switch {
	case err == nil:
		return o, ""
	case errors.Is(err, kiosk.ErrBusy):
		return o, string(fsm.SaleIsOn)
	case errors.Is(err, kiosk.ErrServing):
		return o, string(fsm.ActIsOn)
	case errors.Is(err, kiosk.ErrNoSlot):
		return o, string(fsm.NoSuchSlot)
	case errors.Is(err, kiosk.ErrStock):
		return o, string(fsm.BadCount)
	case errors.Is(err, kiosk.ErrNoAct):
		return o, string(fsm.NoRecord)
	}
	return outcome{say: "not_known", back: o.back}, ""
}
