// Package debug is the technicians' port: how the machine stands, its sales, its steps as they happen, and its metrics.
//
//	GET /                      the technician's page, in a browser
//	GET /api/status            {"phase", "step", "reason"?, "sale"?}; sale is the open one's id
//	GET /api/sales[?limit=N]   the newest sales, newest first: 50 of them unless N says otherwise, at most 500;
//	                           with before=SEQ those that began before the sale of that seq;
//	                           with state=in_doubt only those that wait for a person
//	GET /api/sales/ID/story    what happened in it, [{"seq", "time", "event", "text"}], oldest first, at most the last 400
//	GET /api/sales/ID/receipt  what its customer is told in writing: text, or with as=html a page
//	POST /api/sales/ID/print   prints a copy of that; {}, on the local socket alone
//	POST /api/sales/ID/refund  gives back a part of a sale that was charged, or all; on the local socket alone
//	POST /api/sales/ID/resolve a person's verdict on a sale in doubt, on the local socket alone; see resolve.go
//	GET, POST /api/report      the verdicts of the last closing of the books; has a period closed at Glase, on the local
//	                           socket alone; see report.go
//	POST /api/journal/accept   a person's word that a journal which lost entries may go on, on the local socket alone; see accept.go
//	POST /api/vend, /api/relay a technician's test: something moves; see service.go for these four
//	GET, POST /api/stock       what is left in each slot; how many somebody has counted in one
//	GET /api/service           the technician's act that is on, or the last one
//	POST /api/hold             lets no new sale begin for some time, on the local socket alone; see hold.go
//	GET /api/events            server-sent events: the status at once, then every step; see events.go
//	GET /api/machine           {"name", "version"}
//	GET /api/health            what the machine depends on: [{"name", "ok", "what", "since"?, "do"?}]
//	GET /api/pins              [{"pin", "role", "level", "active", "means", "changed"?}]
//	GET /api/screen            what the customer reads now: {"title", "lines", "list": [{"slot"?, "name", "price"}],
//	                           "qr"?, "page"?}
//	GET /api/screen.png        the same as a picture
//	GET /healthz               {"status": "ok"}; 503 with "starting" before the first step, and with "journal" while the
//	                           journal cannot be written. It says whether the daemon works, not whether the machine
//	                           sells: a door that stands open is a healthy daemon's out of service, and restarting it
//	                           would not close the door. For that there are the status and the metrics.
//	GET /metrics               for Prometheus; see metrics.go
//	/sim/                      the simulated board, when there is one
//
// Failures answer {"error": a sentence}; only the simulated board words its own. Nothing here but /sim/, a verdict and
// a technician's act changes the machine, and nothing that is shown holds a phone number or a credential. Who may ask
// is decided in guard.go, for every path alike.
package debug

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
)

// bodyMax is bytes: a button of the simulated board, with room.
const bodyMax = 4 << 10

// Kiosk is the machine that the port shows.
type Kiosk interface {
	// State is the present state.
	State() fsm.State
	// Follow tells the whole state and then each step, until ctx ends.
	Follow(ctx context.Context) <-chan kiosk.Update
}

// Sales is the record of the machine's sales.
type Sales interface {
	// SalesBefore gives the newest of the sales that began before an entry, newest first.
	SalesBefore(ctx context.Context, entry int64, limit int) ([]journal.Numbered, error)
	// InDoubt gives the sales that stand in doubt, newest first.
	InDoubt(ctx context.Context) ([]journal.Sale, error)
	// Entries gives what was recorded of a sale, oldest first; nothing of one that is not known.
	Entries(ctx context.Context, sale string) ([]journal.Entry, error)
}

// Config is what a port shows and whom it answers.
type Config struct {
	Kiosk   Kiosk
	Sales   Sales
	Machine string // its name
	// what the machine depends on; nil: the port does not tell, and so below
	Parts       func() []Part
	Pins        func() []Pin                         // how they are now
	Words       func() Screen                        // the customer's screen
	Picture     func() ([]byte, error)               // the same, a PNG
	Temperature func() (celsius float64, known bool) // of what perishable products stand in
	// connections to the customers' side that its config kept out since the start
	KeptOut func() uint64
	// the simulated board, asked for paths that begin with /sim/; nil: there is none
	Sim     http.Handler
	Resolve Resolve        // nil: this port takes no verdicts
	Refund  Refund         // nil: nothing is given back through this port
	Receipt Receipt        // nil: this port tells none
	Print   Print          // nil: there is no printer, or it is not this port's
	Accept  Accept         // nil: nobody accepts a loss through this port
	Back    Back           // nil: nobody puts it back into service through this port
	Books   Books          // nil: the port tells nothing of them
	Close   bool           // a period may be closed through this port
	Stock   func() []Stock // what is left in each slot
	// how the machine is in its fleet; nil, or nil from it: it is in none
	Fleet      func(context.Context) *api.Fleet
	Technician Technician // nil: nothing is moved through this port
	Hold       Hold       // nil: nobody keeps it from selling through this port
	// every request must bring it as "Authorization: Bearer …"; empty: none is needed
	Token string
	// for followers of the events; ports that share them share their bound; nil: FollowersMax
	Places Places
	// of the events through this port, at most; 0: as many as there are places
	Followers int
	// names that the machine is called by, besides localhost and its own address; a port in them is ignored
	Hosts   []string
	Version string // of the program
	Log     zerolog.Logger
}

// FollowersMax is how many may follow the machine's events at the same time: each may hold some states.
const FollowersMax = 16

// Places are taken by those who follow the events, one each.
type Places chan struct{}

// NewPlaces gives FollowersMax places.
func NewPlaces() Places { return make(Places, FollowersMax) }

// take takes a place, to be let go with free; false: none is left. No Places have room for all.
func (p Places) take() (free func(), ok bool) {
	if p == nil {
		return func() {}, true
	}
	select {
	case p <- struct{}{}:
		return func() { <-p }, true
	default:
		return nil, false
	}
}

type port struct {
	Config
	hosts   []string
	reading chan struct{} // held by the one who reads the journal
	follow  Places        // this port's own; nil: it counts none
}

// New makes the port's handler. It starts nothing that would have to be ended.
func New(c Config) (http.Handler, error) {
	if c.Kiosk == nil || c.Sales == nil {
		return nil, errors.New("debug: the port needs a kiosk and its sales")
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("debug: the token can stand in no request: it must be printable ASCII without spaces")
	}
	p := &port{Config: c, reading: make(chan struct{}, 1)}
	if c.Followers > 0 {
		p.follow = make(Places, c.Followers)
	}
	if c.Places == nil {
		p.Places = NewPlaces()
	}
	for _, h := range c.Hosts {
		name := hostname(h)
		if name == "" {
			return nil, errors.New("debug: an allowed host has no name")
		}
		p.hosts = append(p.hosts, name)
	}
	get, mux := []string{http.MethodGet, http.MethodHead}, http.NewServeMux()
	mux.Handle("/api/status", only(get, p.status))
	mux.Handle("/api/sales", only(get, p.sales))
	mux.Handle("/api/sales/{id}/story", only(get, p.story))
	if c.Parts != nil {
		mux.Handle("/api/health", only(get, func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, http.StatusOK, c.Parts())
		}))
	}
	if c.Pins != nil {
		mux.Handle("/api/pins", only(get, func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, http.StatusOK, c.Pins())
		}))
	}
	mux.Handle("/api/machine", only(get, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"name": c.Machine, "version": c.Version})
	}))
	if c.Picture != nil {
		mux.Handle("/api/screen.png", only(get, p.picture))
	}
	if c.Words != nil {
		mux.Handle("/api/screen", only(get, func(w http.ResponseWriter,
			_ *http.Request) {
			answer(w, http.StatusOK, c.Words())
		}))
	}
	for path := range pageFiles {
		if path != "/" {
			mux.Handle(path, only(get, page))
		}
	}
	if c.Resolve != nil {
		mux.Handle("/api/sales/{id}/resolve", only([]string{http.MethodPost}, p.resolve))
	}
	if c.Refund != nil {
		mux.Handle("/api/sales/{id}/refund", only([]string{http.MethodPost}, p.refund))
	}
	if c.Books != nil {
		methods := get
		if c.Close {
			methods = append(slices.Clone(get), http.MethodPost)
		}
		mux.Handle("/api/report", only(methods, p.report))
	}
	if c.Receipt != nil {
		mux.Handle("/api/sales/{id}/receipt", only(get, p.receipt))
	}
	if c.Receipt != nil && c.Print != nil {
		mux.Handle("/api/sales/{id}/print", only([]string{http.MethodPost}, p.print))
	}
	if c.Accept != nil {
		mux.Handle("/api/journal/accept", only([]string{http.MethodPost}, p.accept))
	}
	if c.Hold != nil {
		mux.Handle("/api/hold", only([]string{http.MethodPost}, p.hold))
	}
	if c.Back != nil {
		mux.Handle("/api/back", only([]string{http.MethodPost}, p.back))
	}
	p.serviceRoutes(mux)
	mux.Handle("/api/events", only([]string{http.MethodGet}, p.events))
	mux.Handle("/healthz", only(get, p.health))
	mux.Handle("/metrics", only(get, p.metrics().ServeHTTP))
	mux.Handle("/{$}", only(get, page))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing at this address")
	})
	if c.Sim != nil {
		mux.Handle("/sim/", c.Sim)
	}
	return p.guard(mux), nil
}

// only answers the methods that a path has.
func only(methods []string, h http.HandlerFunc) http.Handler {
	allow := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", allow)
			refuse(w, http.StatusMethodNotAllowed, "this address answers only "+allow)
			return
		}
		h(w, r)
	})
}

func statusOf(s fsm.State) api.Status {
	st := api.Status{Phase: string(s.Stage.Phase()), Step: string(s.Stage), Reason: string(s.Reason)}
	if s.Stage == "" { // it has not made its first step
		st.Step, st.Reason = string(fsm.OutOfService), string(reason.Starting)
	}
	if s.Busy() {
		st.Sale = s.Sale.ID
	}
	return st
}

func (p *port) fleet(ctx context.Context) *api.Fleet {
	if p.Fleet == nil {
		return nil
	}
	return p.Fleet(ctx)
}

func (p *port) status(w http.ResponseWriter, r *http.Request) {
	st := statusOf(p.Kiosk.State())
	st.Fleet = p.fleet(r.Context())
	answer(w, http.StatusOK, st)
}

func (p *port) health(w http.ResponseWriter, _ *http.Request) {
	s, code, word := p.Kiosk.State(), http.StatusOK, "ok"
	switch {
	case s.Stage == "":
		code, word = http.StatusServiceUnavailable, string(reason.Starting)
	case slices.ContainsFunc(s.Faults, func(f fsm.Fault) bool { return f.Name == reason.Journal }):
		code, word = http.StatusServiceUnavailable, string(reason.Journal)
	}
	answer(w, code, map[string]string{"status": word})
}

// read asks the journal something. One question at a time, so that a step of the machine, which takes turns with the
// questions, never waits for more than one of them.
func (p *port) read(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	select {
	case p.reading <- struct{}{}:
		defer func() { <-p.reading }()
		return question(ctx)
	case <-ctx.Done():
		return errors.New("others are reading them")
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a caller that went away has no use for the rest
}

func refuse(w http.ResponseWriter, code int, why string) {
	answer(w, code, api.Refusal{Error: why})
}
