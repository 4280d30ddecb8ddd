package page

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"kioskd/internal/setup"
)

//go:embed style.css
var style string

// Config is what the pages are made of.
type Config struct {
	Files *setup.Files
	Acts  setup.Acts
	Path  string // of the config
	Now   func() time.Time
	// Digits and Secret are random: a code of so many digits, and a session's secret.
	Digits func(n int) string
	Secret func() string
	// Show shows the code where only somebody beside the machine sees it.
	Show func(code string)
	// End is called once somebody says that it is done.
	End func()
}

// bodyMax bounds a form, in bytes: a slot's answers, each at its longest.
const bodyMax = 64 << 10

// idleMax is how long the machine is kept at work without anybody looking.
const idleMax = time.Minute

// Pages are the setup's handler. Close it.
type Pages struct {
	Config
	door
	mux *http.ServeMux

	turn sync.Mutex // the answers, and what is tried: one at a time
	live *setup.Rehearsal
	of   string      // the section that live is of
	idle *time.Timer // ends live
	hold chan struct{}
	done bool // the config is written
}

// New makes the handler, and shows the first code.
func New(c Config) *Pages {
	p := &Pages{Config: c, door: door{now: c.Now, digits: c.Digits, secret: c.Secret, show: c.Show},
		mux: http.NewServeMux()}
	p.mux.HandleFunc("GET /{$}", p.home)
	p.mux.HandleFunc("POST /code", p.enter)
	p.mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte(style))
	})
	p.mux.HandleFunc("GET /part/{name}", p.part)
	p.mux.HandleFunc("POST /part/{name}", p.answer)
	p.mux.HandleFunc("GET /try/{name}", p.tryPage)
	p.mux.HandleFunc("POST /try/{name}", p.try)
	p.mux.HandleFunc("POST /finish", p.finish)
	p.mux.HandleFunc("POST /sale", p.sale)
	p.mux.HandleFunc("POST /end", p.end)
	p.fresh()
	return p
}

// Close ends what is at work.
func (p *Pages) Close() error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.unhold()
	return p.rest()
}

// ServeHTTP keeps strangers out, and then answers.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "+
		"frame-ancestors 'none'")
	var own http.CrossOriginProtection
	open := r.URL.Path == "/" || r.URL.Path == "/code" || r.URL.Path == "/style.css"
	switch {
	case !ours(r):
		http.Error(w, "ask for this machine by its address", http.StatusMisdirectedRequest)
	case own.Check(r) != nil:
		http.Error(w, "another site's page may not ask this machine", http.StatusForbidden)
	case !open && !p.knows(r):
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
		p.mux.ServeHTTP(w, r)
	}
}

// enter lets in who knows the code.
func (p *Pages) enter(w http.ResponseWriter, r *http.Request) {
	secret, wait := p.door.try(r.PostFormValue("code"))
	if secret == "" {
		says := "That is not the code that is shown now. After five tries there is another one."
		if wait {
			says = "Too fast: wait a second."
		}
		p.askCode(w, r, http.StatusForbidden, says)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie(r), Value: secret, Path: "/", HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteStrictMode, MaxAge: int(sessionLife.Seconds())})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// home is where the setup stands.
func (p *Pages) home(w http.ResponseWriter, r *http.Request) {
	if !p.knows(r) {
		p.fresh()
		p.askCode(w, r, http.StatusOK, "")
		return
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	section, _, more := p.Files.Next()
	if more {
		http.Redirect(w, r, "/part/"+section.Name, http.StatusSeeOther)
		return
	}
	p.showEnd(w, nil, nil)
}

// section finds one by the request's name, for one at a time until the second result is called.
func (p *Pages) section(w http.ResponseWriter, r *http.Request) (setup.Section, bool) {
	all := p.Files.Sections()
	n := slices.IndexFunc(all, func(s setup.Section) bool { return s.Name == r.PathValue("name") })
	if n < 0 {
		http.NotFound(w, r)
		return setup.Section{}, false
	}
	if p.live != nil && p.of != all[n].Name { // somebody has gone on
		_ = p.rest() // it says again what is wrong when it is tried again
	}
	return all[n], true
}

func (p *Pages) part(w http.ResponseWriter, r *http.Request) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if s, ok := p.section(w, r); ok {
		p.showPart(w, s, nil, nil)
	}
}

// answer takes a section's answers, as far as they are right.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request) {
	p.turn.Lock()
	defer p.turn.Unlock()
	s, ok := p.section(w, r)
	if !ok {
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "this is no form that was sent from here", http.StatusBadRequest)
		return
	}
	p.done = false
	wrong, typed := map[string]string{}, map[string]string{}
	for _, q := range s.Questions {
		if _, there := r.PostForm[q.Key]; !there { // another answer has led to it: it is asked next
			continue
		}
		text := r.PostForm.Get(q.Key)
		var err error
		if q.Form == setup.Secret {
			err = p.Files.Password(q.Key, text)
		} else {
			typed[q.Key] = text
			err = p.Files.Answer(q.Key, text)
		}
		if errors.Is(err, setup.ErrNoQuestion) { // the answer before has made it needless
			continue
		}
		if err != nil {
			wrong[q.Key] = err.Error()
		}
	}
	all := p.Files.Sections()
	n := slices.IndexFunc(all, func(now setup.Section) bool { return now.Name == s.Name })
	switch {
	case n < 0:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case len(wrong) > 0:
		p.showPart(w, all[n], wrong, typed)
	case !all[n].Done:
		http.Redirect(w, r, "/part/"+s.Name, http.StatusSeeOther)
	case s.Name == "glase" || s.Name == "display" || s.Slot() > 0:
		http.Redirect(w, r, "/try/"+s.Name, http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// finish writes the config, and looks at it.
func (p *Pages) finish(w http.ResponseWriter, r *http.Request) {
	p.turn.Lock()
	defer p.turn.Unlock()
	_ = p.rest()
	written, err := p.Files.Finish()
	if err != nil {
		p.showEnd(w, nil, err)
		return
	}
	p.done = true
	o := outcome{title: "The config is written", lines: []string{p.Path + " is written."}}
	if written.Backup != "" {
		o.lines = append(o.lines, "What was there is kept in "+written.Backup+". The lines that are other ones now:")
		o.lines = append(o.lines, written.Changes...)
	}
	o.found = append(p.Acts.Check(p.Path), p.Acts.Doctor(r.Context(), p.Path)...)
	p.showEnd(w, &o, nil)
}

// sale makes a test sale.
func (p *Pages) sale(w http.ResponseWriter, r *http.Request) {
	p.turn.Lock()
	defer p.turn.Unlock()
	o := outcome{title: "The test sale"}
	err := p.atWork(r.Context(), "sale", func(live *setup.Rehearsal) error {
		return live.Sale(r.Context(), r.PostFormValue("slot"), func(line string) { o.lines = append(o.lines, line) })
	})
	err = errors.Join(err, p.rest())
	p.showEnd(w, &o, err)
}

func (p *Pages) end(w http.ResponseWriter, _ *http.Request) {
	p.showBye(w)
	p.End()
}

// atWork has the machine at work while do does something, and a while longer.
func (p *Pages) atWork(ctx context.Context, section string, do func(*setup.Rehearsal) error) error {
	if p.live != nil && p.of != section {
		if err := p.rest(); err != nil {
			return err
		}
	}
	if p.live == nil {
		live, err := p.Files.Rehearse(context.WithoutCancel(ctx), p.Acts)
		if err != nil {
			return err
		}
		p.live, p.of = live, section
		p.idle = time.AfterFunc(idleMax, func() {
			p.turn.Lock()
			defer p.turn.Unlock()
			if p.live == live {
				_ = p.rest() // nobody looks any more
			}
		})
	}
	p.idle.Reset(idleMax)
	return do(p.live)
}

// rest ends the machine's work, outputs first.
func (p *Pages) rest() error {
	if p.live == nil {
		return nil
	}
	p.idle.Stop()
	live := p.live
	p.live, p.of = nil, ""
	return live.Close()
}

func (p *Pages) unhold() {
	if p.hold != nil {
		close(p.hold)
		p.hold = nil
	}
}

// slotID is the id that the answers give a slot's section.
func (p *Pages) slotID(s setup.Section) string {
	for _, q := range s.Questions {
		if strings.HasSuffix(q.Key, ".id") {
			return p.Files.Value(q)
		}
	}
	return ""
}
