// Package page is the operator's desk in a browser: what is wrong with which machine, what was sold, and what waits for
// a person. It works without a script; a small one fetches it again.
//
// Each route names the role that it needs, and who has not signed in sees the form alone.
package page

import (
	"bytes"
	"database/sql"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"kioskd/internal/hub/office"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
)

//go:embed files
var files embed.FS

// policy lets a page use this hub's own files, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Config is what a page shows, and to whom.
type Config struct {
	Store    *store.Store
	Watch    *watch.Watch
	Door     *people.Door
	Zone     *time.Location // the operator's
	Language string         // IETF tag: how amounts are written
	Now      func() time.Time
	Log      zerolog.Logger
	More     []Route // of other parts of the desk
	// Office gives commands over the connection that there is now; nil: there is none. Without Office this hub has no
	// authority to sign with, and the page says so.
	Office func() *office.Office
}

// Route is a handler, and who may have it.
type Route struct {
	Pattern string // of http.ServeMux
	Need    people.Role
	Handler http.Handler
}

// Page serves the desk.
type Page struct {
	Config
	templates *template.Template
}

// New makes one.
func New(c Config) *Page {
	p := &Page{Config: c}
	p.templates = template.Must(template.New("").Funcs(p.functions()).ParseFS(files, "files/*.html"))
	return p
}

// Routes are all that somebody must have signed in for.
func (p *Page) Routes() []Route {
	return append([]Route{
		{"GET /{$}", people.Look, http.HandlerFunc(p.fleet)},
		{"GET /m/{machine}", people.Look, http.HandlerFunc(p.machine)},
		{"GET /m/{machine}/sales/{sale}", people.Look, http.HandlerFunc(p.sale)},
		{"GET /sales.csv", people.Look, p.export(p.writeSales)},
		{"GET /items.csv", people.Look, p.export(p.writeItems)},
		{"POST /alarms/{alarm}/end", people.Operate, http.HandlerFunc(p.endAlarm)},

		{"GET /wanted", people.Look, http.HandlerFunc(p.wanted)},
		{"GET /m/{machine}/want", people.Operate, http.HandlerFunc(p.wishForm)},
		{"POST /m/{machine}/want", people.Operate, http.HandlerFunc(p.saveWish)},
		{"GET /groups/{group}/want", people.Admin, http.HandlerFunc(p.wishForm)},
		{"POST /groups/{group}/want", people.Admin, http.HandlerFunc(p.saveWish)},
		{"GET /all/want", people.Admin, http.HandlerFunc(p.wishForm)},
		{"POST /all/want", people.Admin, http.HandlerFunc(p.saveWish)},

		{"GET /m/{machine}/do/{word}", people.Operate, http.HandlerFunc(p.orderForm)},
		{"POST /m/{machine}/do/{word}", people.Operate, http.HandlerFunc(p.giveOrder)},
		{"GET /m/{machine}/sales/{sale}/do/{word}", people.Operate, http.HandlerFunc(p.orderForm)},
		{"POST /m/{machine}/sales/{sale}/do/{word}", people.Operate, http.HandlerFunc(p.giveOrder)},
		{"GET /m/{machine}/commands/{id}", people.Look, http.HandlerFunc(p.order)},
		{"POST /m/{machine}/commands/{id}", people.Operate, http.HandlerFunc(p.repeatOrder)},
	}, p.More...)
}

// Handler is the whole desk.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range p.Door.Routes() {
		mux.Handle(pattern, h)
	}
	for _, name := range []string{"/desk.css", "/desk.js"} { // they hold no fact: the form to sign in needs one of them
		mux.HandleFunc("GET "+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "files"+name)
		})
	}
	for _, r := range p.Routes() {
		mux.Handle(r.Pattern, p.Door.Guard(r.Need, r.Handler))
	}
	var own http.CrossOriginProtection                            // no other site's page may act in somebody's name
	if err := own.AddTrustedOrigin(p.Door.Origin()); err != nil { // a proxy may ask in another name
		p.Log.Error().Err(err).Msg("the public address is no origin")
	}
	safe := own.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.TLS != nil || strings.HasPrefix(p.Door.Origin(), "https:") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		safe.ServeHTTP(w, r)
	})
}

// frame is what every page shows.
type frame struct {
	Title, Zone string
	Person      people.Person
	AsOf        time.Time
	Still       bool // it holds a form: it is not fetched again by itself
	Soon        bool // it is fetched again within seconds
}

func (p *Page) frame(r *http.Request, title string) frame {
	f := frame{Title: title, Zone: p.Zone.String(), Person: people.From(r.Context())}
	if s := p.Watch.Look(); s != nil {
		f.AsOf = s.At
	}
	return f
}

// show writes a page, or none when it cannot be made whole.
func (p *Page) show(w http.ResponseWriter, name string, data any) {
	p.showAs(w, http.StatusOK, name, data)
}

// showAs is show with a status of its own.
func (p *Page) showAs(w http.ResponseWriter, code int, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		p.Log.Error().Err(err).Str("page", name).Msg("a page cannot be made")
		http.Error(w, "The page cannot be made: the hub's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // who asked may have gone
}

// fail answers what cannot be read or written. A form keeps what was typed.
func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, sql.ErrNoRows) {
		http.Error(w, "There is no such machine or sale.", http.StatusNotFound)
		return
	}
	if r.Context().Err() == nil {
		p.Log.Error().Err(err).Str("path", r.URL.Path).Msg("the desk cannot use the database")
	}
	p.Door.Again(w, r, "The database cannot be read or written now: the hub's log says why.")
}
