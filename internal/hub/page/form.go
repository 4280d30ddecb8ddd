package page

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
)

const formMax = 1 << 20 // bytes; a thousand products with long names

// input is one field of a form, with what was typed and what is wrong with it.
type input struct {
	ID, Name, Label, Value string
	Wrong, Hint            string
	Type, Mode             string // of HTML; "": text, and any keyboard
	Complete               string // of autocomplete; "": off
	Must, Focus            bool
}

// focus puts the keyboard into the first field that is wrong.
func focus(all ...*input) {
	if i := slices.IndexFunc(all, func(in *input) bool { return in.Wrong != "" }); i >= 0 {
		all[i].Focus = true
	}
}

// read reads a form. It has answered when it is false.
func (p *Page) read(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "That is more than a form may hold. Nothing was done: kioskhub want set FILE takes as much as the "+
			"machines do.", http.StatusRequestEntityTooLarge)
	case err != nil:
		http.Error(w, "The form cannot be read. Nothing was done: go back and send it again.", http.StatusBadRequest)
	}
	return err == nil
}

// typed is what somebody wrote into a field, without the blanks around it.
func typed(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }

// within gives the machine of a path, for an act: one whose place another card has taken is no more.
func (p *Page) within(w http.ResponseWriter, r *http.Request) (*watch.Machine, bool) {
	m, err := p.one(r.Context(), r)
	if err != nil {
		p.fail(w, r, err)
		return nil, false
	}
	if !m.Retired.IsZero() {
		http.Error(w, "Another card has taken this machine's place: what stands here is its past. Look for the new one.",
			http.StatusConflict)
		return nil, false
	}
	return m, true
}

// signing are the fields of who signs.
func (p *Page) signing(r *http.Request) (name, password input) {
	who := people.From(r.Context())
	if who.By != people.File {
		name = input{ID: "name", Name: "name", Label: "Your name in the file of users", Value: typed(r, "name"),
			Must: true, Complete: "username", Hint: "You have signed in elsewhere, where this hub cannot have a command signed. " +
				"kioskhub user add gives you a name and a password for that."}
	}
	label := "Your password"
	if who.By == people.File {
		label = "Password of " + who.Name
	}
	return name, input{ID: "password", Name: "password", Label: label, Type: "password", Must: true,
		Complete: "current-password", Hint: "It signs the command."}
}

// scopes that a machine looks at, its own first.
func scopesOf(m store.MachineRow) []store.Scope {
	all := []store.Scope{{Kind: store.OfKiosk, Key: m.Kiosk}}
	if m.Group != "" {
		all = append(all, store.Scope{Kind: store.OfGroup, Key: m.Group})
	}
	return append(all, store.Scope{Kind: store.OfAll})
}
