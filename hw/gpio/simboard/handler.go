package simboard

import (
	"encoding/json"
	"errors"
	"net/http"
)

// bodyMax bounds a request's body: a slot's name and a fault's, with room for white space.
const bodyMax = 4 << 10

// Front is what a person at the machine can see and do. Both *Board and *Client are one.
type Front interface {
	Snapshot() (Snapshot, error)
	Press(slot string) error
	Fault(slot, fault string) error
}

// Handler serves the front for development:
//
//	GET  /sim/board                       {"slots": [{"slot", "relay", "pulses", "dropped"}], "door": "closed" | "open"}
//	POST /sim/press {"slot"}              a slot's button, or "cancel", "retry", "tilt"; "door" opens or closes the door
//	POST /sim/fault {"slot", "fault"}     "none", "jam", "no_drop", "late_drop", "bounce", "stuck_sensor";
//	                                      with a home switch "stall", "wedge", "two_drop", "home_stuck", "home_lost";
//	                                      lockers have "jam" to "stuck_sensor" of their door, "never_opens", "left_open"
//
// The two POSTs answer with the board as it is then. Failures answer {"error"}: 400 for a body that is not understood
// and for an unknown fault, 404 for an unknown slot or a button that is not wired, 429 for a button pressed faster than
// a finger can, 502 when the board's process is lost. Who may call it is the business of the port that it is mounted
// on.
func Handler(front Front) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/board", func(w http.ResponseWriter, _ *http.Request) {
		show(w, front)
	})
	mux.HandleFunc("POST /sim/press", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Slot string `json:"slot"`
		}
		if read(w, r, &body) && done(w, front.Press(body.Slot)) {
			show(w, front)
		}
	})
	mux.HandleFunc("POST /sim/fault", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Slot  string `json:"slot"`
			Fault string `json:"fault"`
		}
		if read(w, r, &body) && done(w, front.Fault(body.Slot, body.Fault)) {
			show(w, front)
		}
	})
	return mux
}

func show(w http.ResponseWriter, front Front) {
	if s, err := front.Snapshot(); done(w, err) {
		answer(w, http.StatusOK, s)
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := strict(http.MaxBytesReader(w, r.Body, bodyMax), into); err != nil {
		answer(w, http.StatusBadRequest, failure{"the body is not understood: " + err.Error()})
		return false
	}
	return true
}

func done(w http.ResponseWriter, err error) bool {
	code := http.StatusBadGateway
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrNoSuchSlot):
		code = http.StatusNotFound
	case errors.Is(err, ErrNoSuchFault):
		code = http.StatusBadRequest
	case errors.Is(err, ErrTooMany):
		code = http.StatusTooManyRequests
	}
	answer(w, code, failure{err.Error()})
	return false
}

type failure struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a caller that went away has no use for the rest
}
