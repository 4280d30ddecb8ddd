package debug

import (
	"context"
	"errors"
	"net/http"

	"kioskd/internal/debug/api"
	"kioskd/internal/kiosk"
)

// Accept puts a machine whose journal has lost entries back into service: by says who has looked at what they may have
// held, and reason what came of it.
type Accept func(ctx context.Context, by, reason string) error

// accept takes {"by", "reason"}, both required, and answers 200 {} once it is on record. 400 is a body that says too
// little, 409 a machine that has lost nothing, or cannot record it.
func (p *port) accept(w http.ResponseWriter, r *http.Request) {
	said, ok := readWord(w, r, "who accepts it", "what was compared")
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	switch err := p.Accept(ctx, said.By, said.Reason); {
	case err == nil:
		p.Log.Info().Str("by", said.By).Str("reason", said.Reason).
			Msg("a person accepted that the journal has lost entries")
		answer(w, http.StatusOK, struct{}{})
	case errors.Is(err, kiosk.ErrNoAcceptance):
		refuse(w, http.StatusConflict, err.Error())
	default:
		refuse(w, http.StatusServiceUnavailable, "it is not accepted: "+err.Error())
	}
}

// Back puts a machine that the desk took out of service back into it: by says who is beside it, and reason why.
type Back func(ctx context.Context, by, reason string) error

// back takes {"by", "reason"}, both required, and answers 200 {} once it is on record. 400 is a body that says too
// little, 409 a machine that the desk has not taken out.
func (p *port) back(w http.ResponseWriter, r *http.Request) {
	said, ok := readWord(w, r, "who puts it back", "why")
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	switch err := p.Back(ctx, said.By, said.Reason); {
	case err == nil:
		answer(w, http.StatusOK, struct{}{})
	case errors.Is(err, kiosk.ErrSame):
		refuse(w, http.StatusConflict, "the desk has not taken this machine out of service: kioskd status says why it is")
	default:
		refuse(w, http.StatusServiceUnavailable, "it is not put back: "+err.Error())
	}
}

// readWord reads {"by", "reason"}; false: it is refused already.
func readWord(w http.ResponseWriter, r *http.Request, who, why string) (said api.Acceptance, ok bool) {
	ok = readSaid(w, r, `"by", "reason"`, &said, &said.By, &said.Reason) && signed(w, said.By, who, said.Reason, why)
	return said, ok
}
