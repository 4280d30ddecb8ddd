package debug

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/kiosk"
)

// Technician moves the machine's parts for somebody who stands before it, and counts what is in it. Each act is
// recorded with who asked for it before anything moves, is refused while a customer is being served, and is never
// charged to anybody.
type Technician interface {
	// Vend begins to make one product come out, and gives the act's id.
	Vend(ctx context.Context, slot, by string) (id string, err error)
	// Relay begins to have the slot's relay on for as long as that, or for the longest that it may be, which it gives.
	Relay(ctx context.Context, slot string, on time.Duration, by string) (id string, really time.Duration, err error)
	// Count records how many products are in a slot, or with more, how many more than were thought to be.
	Count(ctx context.Context, slot, by string, count int, more bool) (was, left int, err error)
}

// ErrNoRelay is Technician.Relay's word for a slot whose driver has none.
var ErrNoRelay = errors.New("this slot has no relay")

const (
	onMax   = time.Minute // longer than any relay may be on: an upper bound on the request alone
	slotMax = 8           // bytes: as long as a slot's id may be
)

// serviceRoutes are the paths of a technician's acts.
//
//	POST /api/vend   {"slot", "by"}            202 {"act"}: one product comes out; /api/service tells what came of it
//	POST /api/relay  {"slot", "on_ms", "by"}   202 {"act", "on_ms"}: its relay is on for so long, at most for its max_on
//	GET  /api/stock                            [{"slot", "name", "price", "left", "state"?, "why"?}]
//	POST /api/stock  {"slot", "by", and either "left" or "add"}   200 {"slot", "was", "left"}
//	GET  /api/service                          {"act", "kind", "slot", "by", "ended", "outcome"?, "why"?}; 404: there was none
//
// 400 is a body that says too little, 404 a slot that the machine does not have, or that has no relay, 409 a machine
// that serves a customer or another technician, 503 one that cannot record.
func (p *port) serviceRoutes(mux *http.ServeMux) {
	get, post := []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	mux.Handle("/api/vend", only(post, p.technicians(p.vend)))
	mux.Handle("/api/relay", only(post, p.technicians(p.relay)))
	if p.Stock != nil {
		mux.Handle("/api/stock", only(append(get, post...), p.stock))
	}
	mux.Handle("/api/service", only(get, p.service))
}

// technicians lets an act through where there is somebody to carry it out.
func (p *port) technicians(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p.Technician == nil {
			refuse(w, http.StatusForbidden,
				"nothing is moved through this address without a token: use the command on the machine itself, or "+
					"set [debug] token_file")
			return
		}
		h(w, r)
	}
}

// readAct reads such a body, with the fields that the act has besides slot and by; false: it is refused already.
func readAct(w http.ResponseWriter, r *http.Request, fields ...string) (a api.Act, ok bool) {
	body, err := io.ReadAll(r.Body)
	names := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(body, &names)
	}
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	known := append([]string{"slot", "by"}, fields...)
	for name := range names {
		// as encoding/json reads it
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			err = errors.Join(err, fmt.Errorf("no field is called %.40q", name))
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf(`the body must be {"%s"}: %v`, strings.Join(known, `", "`), err))
		return a, false
	}
	a.By = strings.TrimSpace(a.By)
	switch {
	case !sayable(a.Slot, slotMax):
		refuse(w, http.StatusBadRequest, "slot must name a slot")
	case !sayable(a.By, byMax):
		refuse(w, http.StatusBadRequest, "by must say who does it, in at most 64 bytes on one line")
	default:
		return a, true
	}
	return a, false
}

func (p *port) vend(w http.ResponseWriter, r *http.Request) {
	a, ok := readAct(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	id, err := p.Technician.Vend(ctx, a.Slot, a.By)
	if p.declined(w, a, err) {
		return
	}
	answer(w, http.StatusAccepted, api.Begun{Act: id})
}

func (p *port) relay(w http.ResponseWriter, r *http.Request) {
	a, ok := readAct(w, r, "on_ms")
	if !ok {
		return
	}
	if a.OnMS <= 0 || a.OnMS > onMax.Milliseconds() {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("on_ms must be a whole number from 1 to %d", onMax.Milliseconds()))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	id, on, err := p.Technician.Relay(ctx, a.Slot, time.Duration(a.OnMS)*time.Millisecond, a.By)
	if p.declined(w, a, err) {
		return
	}
	answer(w, http.StatusAccepted, api.Begun{Act: id, OnMS: on.Milliseconds()})
}

func (p *port) stock(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		answer(w, http.StatusOK, p.Stock())
		return
	}
	p.technicians(p.count)(w, r)
}

func (p *port) count(w http.ResponseWriter, r *http.Request) {
	a, ok := readAct(w, r, "left", "add")
	if !ok {
		return
	}
	if (a.Left == nil) == (a.Add == nil) {
		refuse(w, http.StatusBadRequest,
			`the body must say either "left", how many there are, or "add", how many more; fewer with a minus`)
		return
	}
	more := a.Add != nil
	count := a.Left
	if more {
		count = a.Add
	}
	if *count < -fsm.StockMax || *count > fsm.StockMax {
		refuse(w, http.StatusBadRequest, kiosk.ErrStock.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	was, left, err := p.Technician.Count(ctx, a.Slot, a.By, *count, more)
	if p.declined(w, a, err) {
		return
	}
	answer(w, http.StatusOK, api.Counted{Slot: a.Slot, Was: was, Left: left})
}

// declined answers why an act was not begun; false: it was.
func (p *port) declined(w http.ResponseWriter, a api.Act, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, kiosk.ErrBusy), errors.Is(err, kiosk.ErrServing):
		refuse(w, http.StatusConflict, err.Error())
	case errors.Is(err, kiosk.ErrNoSlot), errors.Is(err, ErrNoRelay):
		refuse(w, http.StatusNotFound, a.Slot+": "+err.Error())
	case errors.Is(err, kiosk.ErrStock):
		refuse(w, http.StatusBadRequest, a.Slot+": "+err.Error())
	default:
		p.Log.Warn().Err(err).Str("slot", a.Slot).Str("by", a.By).Msg("a technician's act could not be begun")
		refuse(w, http.StatusServiceUnavailable, err.Error())
	}
	return true
}

func (p *port) service(w http.ResponseWriter, _ *http.Request) {
	v := p.Kiosk.State().Service
	if v.ID == "" {
		refuse(w, http.StatusNotFound, "no technician has done anything yet")
		return
	}
	answer(w, http.StatusOK, api.Service{
		Act: v.ID, Kind: string(v.Act), Slot: v.Slot, By: v.By, Ended: v.Ended, Outcome: string(v.Outcome),
		Why: string(v.Why),
	})
}
