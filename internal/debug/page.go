package debug

import (
	"embed"
	"net/http"

	"kioskd/internal/debug/api"
)

// pages are the technician's page: one file of each kind, with nothing from anywhere else. They hold no fact about the
// machine, so they are shown without the token, which the page asks for.
//
//go:embed page
var pages embed.FS

// pagePolicy lets the page use its own files and this port, and nothing else; blob: is the picture that it fetched with
// the token.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src " +
	"'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var pageFiles = map[string]string{"/": "page/page.html", "/page.js": "page/page.js", "/page.css": "page/page.css"}

// isPage reports whether a path is a part of the page itself.
func isPage(path string) bool { return pageFiles[path] != "" }

func page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.ServeFileFS(w, r, pages, pageFiles[r.URL.Path])
}

// What a machine tells of itself, in the port's own words.
type (
	Part   = api.Part
	Pin    = api.Pin
	Screen = api.Screen
	Entry  = api.Entry
	Stock  = api.Stock
)

// picture is what the customer sees now, as a picture.
func (p *port) picture(w http.ResponseWriter, _ *http.Request) {
	picture, err := p.Picture()
	if err != nil {
		p.Log.Warn().Err(err).Msg("a technician could not be shown the customer's screen")
		refuse(w, http.StatusServiceUnavailable, "the screen cannot be drawn: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(picture) // a caller that went away has no use for it
}

// phone is where the technician's page on a phone begins.
const phone = "/t/"

// open takes {"here"} and answers 200 {"url", "seconds", "shown"}: 409 while a customer is being served, and for a
// machine that no phone reaches.
func (p *port) open(w http.ResponseWriter, r *http.Request) {
	var asked api.Asked
	if !readSaid(w, r, `"here"`, &asked) {
		return
	}
	told, err := p.Page(asked.Here)
	if err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	answer(w, http.StatusOK, told)
}
