package debug

import (
	"embed"
	"net/http"
	"time"
)

// pages are the technician's page: one file of each kind, with nothing from anywhere else. They hold no fact about the machine, so
// they are shown without the token, which the page asks for.
//
//go:embed page
var pages embed.FS

// pagePolicy lets the page use its own files and this port, and nothing else; blob: is the picture that it fetched with the token.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var pageFiles = map[string]string{"/": "page/page.html", "/page.js": "page/page.js", "/page.css": "page/page.css"}

// isPage reports whether a path is a part of the page itself.
func isPage(path string) bool { return pageFiles[path] != "" }

func page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.ServeFileFS(w, r, pages, pageFiles[r.URL.Path])
}

// Part is something that the machine depends on.
type Part struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	What  string    `json:"what"` // how it is, in words
	Since time.Time `json:"since,omitzero"`
	Do    string    `json:"do,omitempty"` // what helps, when it is not well
}

// Pin is a pin of the machine.
type Pin struct {
	Name   string `json:"pin"`
	Role   string `json:"role"`
	Level  string `json:"level"` // "low" or "high", on the wire
	Active bool   `json:"active"`
	Means  string `json:"means"` // "pressed", "open", "on" …

	// Changed is when it was last seen to move, UTC; left out: not since the start. An output, a button and a door are seen each
	// time; a drop sensor while its motor is on, and otherwise when somebody looks.
	Changed time.Time `json:"changed,omitzero"`
}

// Screen is what the customer reads now, in the customer's language.
type Screen struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
	List  []Entry  `json:"list"` // the price list, or what came out
}

// Entry is a line of Screen's list.
type Entry struct {
	Slot  string `json:"slot,omitempty"`
	Name  string `json:"name"`
	Price string `json:"price"` // or why the product cannot be had
}

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
