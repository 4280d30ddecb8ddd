package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

//go:embed scene
var sceneFiles embed.FS

const (
	sceneAddress = "127.0.0.1:8090" // where the page is, unless somebody else is there
	scenePolicy  = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	clickMax      = 1 << 10                // bytes of what a click says
	watchersMax   = 8                      // pages that may be open
	watchEvery    = 200 * time.Millisecond // between two looks at the machine, while a page is open
	salesShown    = 4
	darkFor       = 3 * time.Second // the length of a power cut
	pictureAnswer = 4 << 20
)

// moment is everything that the page shows.
type moment struct {
	Flow       string      `json:"flow"`
	Slots      []sceneSlot `json:"slots"`
	Status     status      `json:"status"`
	Board      board       `json:"board"`
	Sales      []sale      `json:"sales"`
	Phone      phoneFace   `json:"phone"`
	Dark       bool        `json:"dark"`      // the power is cut
	GlaseGone  bool        `json:"glaseGone"` // it answers no call
	Picture    int64       `json:"picture"`   // changes each second in which the screen counts down
	Technician string      `json:"technician"`
	Ledger     string      `json:"ledger"`
}

type sceneSlot struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Price string `json:"price"`
}

// phoneFace is what the customer's phone shows.
type phoneFace struct {
	Says string `json:"says"`
	Mood string `json:"mood"` // "good", "bad" or ""
	Asks bool   `json:"asks"` // for the PIN
	Page string `json:"page"` // what was scanned leads there
	Rows []row  `json:"rows"`
}

// click is a click.
type click struct {
	What  string `json:"what"`
	Slot  string `json:"slot"`
	Fault string `json:"fault"`
	PIN   string `json:"pin"`
}

// scene is the page's server. It looks at the machine only while somebody looks at the page.
type scene struct {
	w    *world
	host []string // the names that the page may be asked by

	mu        sync.Mutex
	watchers  map[chan []byte]bool
	last      []byte
	ref       string    // of the invoice on the phone
	page      string    // the machine's, which the phone's camera has found
	refused   string    // why the last scan or PIN was refused
	until     time.Time // so long the phone shows that
	glaseGone bool
}

func newScene(w *world, address string) *scene {
	_, port, _ := net.SplitHostPort(address)
	return &scene{w: w, host: []string{address, "localhost:" + port, "127.0.0.1:" + port},
		watchers: map[chan []byte]bool{}}
}

// listenScene takes the usual address, or a free one.
func listenScene() (net.Listener, error) {
	if l, err := net.Listen("tcp", sceneAddress); err == nil {
		return l, nil
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// handler serves the page to this machine's own browser: another site's page may neither read nor act.
func (s *scene) handler() http.Handler {
	mux := http.NewServeMux()
	for path, file := range map[string]string{"GET /{$}": "scene/scene.html", "GET /scene.js": "scene/scene.js",
		"GET /scene.css": "scene/scene.css"} {
		mux.HandleFunc(path, func(rw http.ResponseWriter,
			r *http.Request) {
			http.ServeFileFS(rw, r, sceneFiles, file)
		})
	}
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /screen.png", s.screen)
	mux.HandleFunc("POST /do", s.do)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Content-Security-Policy", scenePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
		switch {
		case !slices.Contains(s.host, r.Host):
			tell(rw, http.StatusMisdirectedRequest, "the demo does not go by this name")
		case site != "" && site != "same-origin" && site != "none" || origin != "" && origin != "http://"+r.Host:
			tell(rw, http.StatusForbidden, "another site's page may not ask the demo")
		default:
			mux.ServeHTTP(rw, r)
		}
	})
}

func tell(rw http.ResponseWriter, code int, why string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(code)
	_ = json.NewEncoder(rw).Encode(map[string]string{"error": why}) // a page that is gone needs no answer
}

// events sends the moment now, and each one that differs from the one before.
func (s *scene) events(rw http.ResponseWriter, r *http.Request) {
	ch := make(chan []byte, 1)
	s.mu.Lock()
	full := len(s.watchers) >= watchersMax
	if !full {
		s.watchers[ch] = true
		if s.last != nil {
			ch <- s.last
		}
	}
	s.mu.Unlock()
	if full {
		tell(rw, http.StatusServiceUnavailable, "too many pages are open already: close one")
		return
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
	}()
	rw.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(rw)
	for {
		select {
		case m := <-ch:
			if _, err := fmt.Fprintf(rw, "data: %s\n\n", m); err != nil {
				return
			}
			if out.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// run looks at the machine for the open pages, until ctx ends.
func (s *scene) run(ctx context.Context) {
	for {
		s.mu.Lock()
		seen := len(s.watchers) > 0
		s.mu.Unlock()
		if seen {
			s.publish(s.look(ctx))
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (s *scene) publish(m moment) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // a moment is plain values
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(b) == string(s.last) {
		return
	}
	s.last = b
	for ch := range s.watchers {
		select {
		case <-ch: // what it has not read yet is past
		default:
		}
		ch <- b
	}
}

// look asks the programs. One that does not answer leaves its part empty: that is what it looks like.
func (s *scene) look(ctx context.Context) moment {
	m := moment{Flow: s.w.setup.Flow, Dark: s.w.dark.Load(), Technician: s.w.debug, Ledger: s.w.glase + "/ledger"}
	for _, p := range slots() {
		m.Slots = append(m.Slots, sceneSlot{p.ID, p.Name, p.Price})
	}
	if !m.Dark {
		m.Status, _ = s.w.status(ctx)
		m.Board, _ = s.w.board(ctx)
		all, _ := s.w.sales(ctx)
		slices.Reverse(all)
		m.Sales = all[:min(len(all), salesShown)]
		if step := m.Status.Step; step != "ready" { // a countdown
			m.Picture = time.Now().Unix()
		}
	}
	s.mu.Lock()
	ref, refused, page := s.ref, s.refused, s.page
	if time.Now().After(s.until) {
		refused, s.refused = "", ""
	}
	m.GlaseGone = s.glaseGone
	s.mu.Unlock()
	switch {
	case refused != "":
		m.Phone = phoneFace{Says: refused, Mood: "bad"}
	case page != "":
		m.Phone = phoneFace{Says: "The camera has found the machine's page. Open it, and choose there; then scan once more " +
			"to pay.", Page: page}
	case ref == "":
		m.Phone = phoneFace{Says: "Hungry? " + map[string]string{
			sticker:   "Press a product's button, then scan the sticker on the machine.",
			invoiceQR: "Press a product's button, then scan the code on the machine's screen.",
		}[m.Flow]}
		if m.Phone.Says == "Hungry? " {
			m.Phone.Says += "Scan the code on the machine's screen."
		}
	default:
		i, err := s.w.invoice(ctx, ref)
		m.Phone = i.face(err, m.Flow)
	}
	return m
}

// face is an invoice as the phone shows it.
func (i invoice) face(err error, flow string) phoneFace {
	if err != nil {
		return phoneFace{Says: "The phone has no network.", Mood: "bad"}
	}
	sum := i.Total + " " + i.Currency
	switch i.Status {
	case "ISSUED", "PENDING_ISSUER_ACKNOWLEDGE":
		if flow != reservation {
			return phoneFace{Says: "Pay " + sum + "? What does not come out is paid back.", Asks: true, Rows: i.Rows}
		}
		return phoneFace{Says: "Reserve up to " + sum + "? You pay only for what comes out.", Asks: true}
	case "RESERVED":
		return phoneFace{Says: sum + " is reserved. Choose a product at the machine.", Mood: "good"}
	case "PAID":
		return phoneFace{Says: "Paid " + sum + ". Thank you!", Mood: "good", Rows: i.Rows}
	case "CANCELED":
		return phoneFace{Says: "Cancelled: nothing was charged."}
	case "FAILED":
		return phoneFace{Says: "The payment failed: nothing was charged.", Mood: "bad"}
	}
	return phoneFace{Says: i.Status}
}

// why says a refusal in words.
func (i invoice) why() string {
	switch i.ErrorCode {
	case "NO_CODE", "NO_INVOICE":
		return "There is nothing to scan just now: choose a product first."
	case "DEVICE_IN_USE":
		return "The machine serves somebody else. Try again in a moment."
	case "DEVICE_UNAVAILABLE":
		return "The machine sells nothing just now."
	case "INVOICING_ERROR":
		return "The machine cannot reach Glase just now."
	case "INSUFFICIENT_FUNDS":
		return "There is not enough money for the cheapest product."
	case "TIMEOUT", "SYSTEM_ERROR":
		return "The machine does not answer. Try again in a moment."
	case "WRONG_PIN":
		return "Four digits, please."
	case "NOT_OPEN":
		return "Too late: the purchase has ended."
	}
	return "Refused: " + i.ErrorCode + " " + i.Message
}

// screen is the machine's own picture.
func (s *scene) screen(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.w.debug+"/api/screen.png", nil)
	if err == nil {
		var res *http.Response
		if res, err = http.DefaultClient.Do(req); err == nil {
			defer res.Body.Close()
			rw.Header().Set("Content-Type", "image/png")
			rw.WriteHeader(res.StatusCode)
			_, _ = io.Copy(rw, io.LimitReader(res.Body, pictureAnswer)) // a page that is gone needs no picture
			return
		}
	}
	tell(rw, http.StatusBadGateway, "the kiosk does not answer")
}

// do carries a click out.
func (s *scene) do(rw http.ResponseWriter, r *http.Request) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		tell(rw, http.StatusUnsupportedMediaType, "the body must be application/json")
		return
	}
	var d click
	dec := json.NewDecoder(http.MaxBytesReader(rw, r.Body, clickMax))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		tell(rw, http.StatusBadRequest, "the body is not understood: "+err.Error())
		return
	}
	err := s.carryOut(context.WithoutCancel(r.Context()), d)
	if errors.Is(err, errClick) {
		tell(rw, http.StatusBadRequest, err.Error())
		return
	}
	if err != nil {
		tell(rw, http.StatusBadGateway, "the machine does not answer: the power may be cut")
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

var errClick = errors.New("no such deed")

func (s *scene) carryOut(ctx context.Context, d click) error {
	switch d.What {
	case "scan":
		i, err := s.w.scan(ctx)
		return s.onPhone(i, err)
	case "confirm":
		s.mu.Lock()
		ref := s.ref
		s.mu.Unlock()
		i, err := s.w.confirmWith(ctx, ref, d.PIN)
		return s.onPhone(i, err)
	case "refuse":
		s.mu.Lock()
		ref := s.ref
		s.mu.Unlock()
		i, err := s.w.cancel(ctx, ref)
		return s.onPhone(i, err)
	case "left": // the page is open, in the customer's browser
		s.mu.Lock()
		s.page = ""
		s.mu.Unlock()
		return nil
	case "press":
		_, err := s.w.press(ctx, d.Slot)
		return err
	case "fault":
		return s.w.fault(ctx, d.Slot, d.Fault)
	case "glase":
		s.mu.Lock()
		defer s.mu.Unlock()
		gone := !s.glaseGone
		if err := s.w.glaseGone(ctx, gone); err != nil {
			return err
		}
		s.glaseGone = gone
		return nil
	case "power":
		return s.w.powerCut()
	}
	return fmt.Errorf("%w: %.40q", errClick, d.What)
}

// onPhone notes what came of a scan or a PIN.
func (s *scene) onPhone(i invoice, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.refused = "The phone has no network."
	case i.ErrorCode != "":
		s.refused = i.why()
	default:
		s.ref, s.refused, s.page = i.Reference, "", i.Page
		return nil
	}
	s.until = time.Now().Add(refusalFor)
	return nil
}

// serve serves the page until ctx ends.
func (s *scene) serve(ctx context.Context, l net.Listener) {
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	go s.run(ctx)
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	_ = server.Serve(l) // it ends with the demo
}
