package debug

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

// Resolve begins to settle a sale that stands in doubt as a person decided.
type Resolve func(ctx context.Context, sale string, v fsm.Verdict) error

const (
	byMax     = 64  // bytes: a name
	reasonMax = 500 // bytes: a few sentences, which go into the journal
)

// resolve answers 202 {"sale"} once the verdict is on record; the sale's end shows in the sales. 400 is a verdict that
// says too little, 404 a sale that does not stand in doubt and is not open, 409 a machine that is serving a customer or
// still asks Glase, 503 one that cannot record.
func (p *port) resolve(w http.ResponseWriter, r *http.Request) {
	var v api.Verdict
	if !readSaid(w, r, `"decision", "by", "reason"`, &v, &v.By, &v.Reason) {
		return
	}
	if !slices.Contains([]fsm.Decision{fsm.Charge, fsm.Release, fsm.Refund}, fsm.Decision(v.Decision)) {
		refuse(w, http.StatusBadRequest, "decision must be charge, release or refund")
		return
	}
	if !signed(w, v.By, "who decides", v.Reason, "why") {
		return
	}
	id := r.PathValue("id")
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	decided := fsm.Verdict{Decision: fsm.Decision(v.Decision), By: v.By, Reason: v.Reason, ByHand: v.ByHand}
	switch err := p.Resolve(ctx, id, decided); {
	case err == nil:
		p.Log.Info().Str("sale", id).Str("decision", v.Decision).Str("by", v.By).Bool("by_hand", v.ByHand).
			Msg("a person decided on a sale in doubt")
		answer(w, http.StatusAccepted, map[string]string{"sale": id})
	case errors.Is(err, journal.ErrNoDoubt):
		refuse(w, http.StatusNotFound, "no sale with this id stands in doubt")
	case errors.Is(err, kiosk.ErrBusy), errors.Is(err, kiosk.ErrServing), errors.Is(err, kiosk.ErrOpen):
		refuse(w, http.StatusConflict, err.Error())
	default:
		p.Log.Warn().Err(err).Str("sale", id).Msg("a verdict could not be taken")
		refuse(w, http.StatusServiceUnavailable, "the verdict is not taken: "+err.Error())
	}
}

// readSaid reads what a person says, a document with these fields, and trims the texts in it that go on record; false:
// it is refused already.
func readSaid(w http.ResponseWriter, r *http.Request, fields string, into any, texts ...*string) bool {
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	err := body.Decode(into)
	if _, rest := body.Token(); err == nil && rest != io.EOF {
		err = errors.New("more than one document")
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body must be {"+fields+"}: "+err.Error())
		return false
	}
	for _, t := range texts {
		*t = strings.TrimSpace(*t)
	}
	return true
}

// signed reports whether a person's word has who and why, each as it must be; false: it is refused already.
func signed(w http.ResponseWriter, by, who, reason, why string) bool {
	switch {
	case !sayable(by, byMax):
		refuse(w, http.StatusBadRequest, "by must say "+who+", in at most 64 bytes on one line")
	case !sayable(reason, reasonMax):
		refuse(w, http.StatusBadRequest, "reason must say "+why+", in at most 500 bytes on one line")
	default:
		return true
	}
	return false
}

// sayable reports whether a text is there, and can stand on one line of a record.
func sayable(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
