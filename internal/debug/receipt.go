package debug

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"kioskd/internal/journal"
	"kioskd/internal/receipt"
)

// receiptWidth is the columns of a receipt as text.
const receiptWidth = 42

// Receipt gives what a customer is told in writing about a sale. An error is journal.ErrNoSale, or says as package
// receipt does why the sale has none, or why the journal cannot be read.
type Receipt func(ctx context.Context, sale string) (receipt.Receipt, error)

// Print prints a copy of a receipt; the error says why not.
type Print func(ctx context.Context, r receipt.Receipt) error

// receiptOf finds a sale's receipt; false: it has answered why there is none. 404 is a sale that is not known, 409 one
// that has no receipt, or none yet, 503 a journal that cannot be read.
func (p *port) receiptOf(w http.ResponseWriter, r *http.Request) (found receipt.Receipt, ok bool) {
	err := p.read(r.Context(), func(ctx context.Context) (err error) {
		found, err = p.Receipt(ctx, r.PathValue("id"))
		return err
	})
	switch {
	case err == nil:
		return found, true
	case errors.Is(err, journal.ErrNoSale):
		refuse(w, http.StatusNotFound, noSale)
	case errors.Is(err, receipt.ErrOpen), errors.Is(err, receipt.ErrDoubt), errors.Is(err, receipt.ErrUnpaid):
		refuse(w, http.StatusConflict, "there is no receipt: "+err.Error())
	default:
		p.Log.Warn().Err(err).Msg("a technician could not be shown a receipt")
		refuse(w, http.StatusServiceUnavailable, "the sale cannot be read: "+err.Error())
	}
	return found, false
}

// receipt answers a sale's receipt as text, or with as=html as a page.
func (p *port) receipt(w http.ResponseWriter, r *http.Request) {
	as := r.URL.Query().Get("as")
	if as != "" && as != "text" && as != "html" {
		refuse(w, http.StatusBadRequest, "as can only be text or html")
		return
	}
	found, ok := p.receiptOf(w, r)
	if !ok {
		return
	}
	kind, text := "text/plain", strings.Join(found.Text(receiptWidth), "\n")+"\n"
	if as == "html" {
		kind, text = "text/html", found.HTML()
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	_, _ = io.WriteString(w, text) // a caller that went away has no use for the rest
}

// print answers {"sale"} once a copy of the receipt is printed, and 503 with the reason when it is not.
func (p *port) print(w http.ResponseWriter, r *http.Request) {
	if !readSaid(w, r, "", &struct{}{}) {
		return
	}
	found, ok := p.receiptOf(w, r)
	if !ok {
		return
	}
	if err := p.Print(r.Context(), found); err != nil {
		p.Log.Warn().Err(err).Str("sale", found.Sale).Msg("a copy of a receipt is not printed")
		refuse(w, http.StatusServiceUnavailable, "not printed: "+err.Error())
		return
	}
	p.Log.Info().Str("sale", found.Sale).Msg("a copy of a receipt was printed")
	answer(w, http.StatusOK, map[string]string{"sale": found.Sale})
}
