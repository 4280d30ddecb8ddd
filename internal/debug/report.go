package debug

import (
	"errors"
	"net/http"

	"kioskd/internal/books"
	"kioskd/internal/debug/api"
)

// Books are the machine's, beside Glase's; a *books.Books.
type Books interface {
	// Begin has the period closed.
	Begin(books.Wish) error
	// Report is the closing that is on, or the last one; false: there was none.
	Report() (api.Report, bool)
}

// report answers GET with the closing that is on, or the last one: with all=1 every sale's verdict, else only what
// somebody must look into; 404 when there was none. POST takes api.Closing and answers 202 once it has begun; 409 while
// one is on.
func (p *port) report(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		p.closePeriod(w, r)
		return
	}
	told, ok := p.Books.Report()
	if !ok {
		refuse(w, http.StatusNotFound, "no report was made yet: kioskd report makes one")
		return
	}
	if r.URL.Query().Get("all") != "1" {
		told.Sales = told.Open()
	}
	answer(w, http.StatusOK, told)
}

func (p *port) closePeriod(w http.ResponseWriter, r *http.Request) {
	var said api.Closing
	if !readSaid(w, r, `"by", "shop", "anew"`, &said, &said.By) {
		return
	}
	if !sayable(said.By, byMax) {
		refuse(w, http.StatusBadRequest, "by must say who closes the period, in at most 64 bytes on one line")
		return
	}
	err := p.Books.Begin(books.Wish{By: said.By, Shop: said.Shop, Anew: said.Anew})
	if errors.Is(err, books.ErrRunning) {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	p.Log.Info().Str("by", said.By).Bool("shop", said.Shop).Bool("anew", said.Anew).
		Msg("a person closes the books' period")
	answer(w, http.StatusAccepted, struct{}{})
}
