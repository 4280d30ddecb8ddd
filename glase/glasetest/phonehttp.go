package glasetest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"kioskd/internal/money"
)

// jsonMax bounds a JSON request.
const jsonMax = 64 << 10

// problem is what a request that makes no sense gets, with a status from 400 to 499.
type problem = PhoneError

func (g *Glase) serveScan(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QR       string          `json:"qr"`
		Amount   json.RawMessage `json:"amount"` // "50.00" or 50.00
		Currency string          `json:"currency"`
		MSISDN   string          `json:"msisdn"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	if in.Currency == "" {
		in.Currency = DefaultCurrency
	}
	text := strings.Trim(string(in.Amount), `"`)
	if text == "" || text == "null" {
		text = DefaultAmount
		if money.Digits(in.Currency) == 0 {
			text, _, _ = strings.Cut(text, ".")
		}
	}
	amount, err := money.Parse(text, in.Currency)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, problem{Code: "BAD_REQUEST", Message: err.Error()})
		return
	}
	inv, err := g.Scan(r.Context(), Scan{QR: in.QR, Amount: amount, MSISDN: in.MSISDN})
	writeInvoice(w, inv, err)
}

func (g *Glase) serveConfirm(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Reference string `json:"invoiceReference"`
		PIN       string `json:"pin"`
	}
	if readJSON(w, r, &in) {
		inv, err := g.Confirm(in.Reference, in.PIN)
		writeInvoice(w, inv, err)
	}
}

func (g *Glase) serveCancel(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Reference string `json:"invoiceReference"`
	}
	if readJSON(w, r, &in) {
		inv, err := g.CancelOnPhone(in.Reference)
		writeInvoice(w, inv, err)
	}
}

func (g *Glase) serveInvoice(w http.ResponseWriter, r *http.Request) {
	inv, err := g.Invoice(r.PathValue("ref"))
	writeInvoice(w, inv, err)
}

// writeInvoice answers 200 with the invoice or the errorCode, and 404 with the errorCode where there is no such
// invoice.
func writeInvoice(w http.ResponseWriter, inv Invoice, err error) {
	var why *PhoneError
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, inv)
	case errors.As(err, &why) && why.Code != UnknownInvoice:
		writeJSON(w, http.StatusOK, why)
	default:
		writeJSON(w, http.StatusNotFound, why)
	}
}

// readJSON reads one JSON object without unknown fields, or answers 400 and is false.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, jsonMax))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one JSON value")
		}
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, problem{Code: "BAD_REQUEST", Message: err.Error()})
	}
	return err == nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("glasetest: an answer that cannot be written: " + err.Error()) // our types always can
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
