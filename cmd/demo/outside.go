package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kioskd/internal/proof/ask"
)

// status is GET /api/status.
type status struct {
	Phase  string `json:"phase"`
	Step   string `json:"step"`
	Reason string `json:"reason"`
	Sale   string `json:"sale"`
}

func (s status) String() string {
	text := s.Phase + " / " + s.Step
	if s.Reason != "" {
		text += " (" + s.Reason + ")"
	}
	return text
}

// sale is one of GET /api/sales. Amounts are decimal strings.
type sale struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	Currency string    `json:"currency"`
	Reserved string    `json:"reserved"`
	Charged  string    `json:"charged"`
	Refunded string    `json:"refunded"`
	Invoice  string    `json:"invoice_reference"`
	Items    []item    `json:"items"`
	Ended    time.Time `json:"ended"` // zero while it is open
	Why      string    `json:"why"`
}

type item struct {
	Slot    string `json:"slot"`
	Price   string `json:"price"`
	Outcome string `json:"outcome"`
}

// movement is one of GET /ledger.
type movement struct {
	Seq      int    `json:"seq"`
	Invoice  string `json:"invoiceReference"`
	Kind     string `json:"kind"` // reserve, release, charge, refund, reversal
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Why      string `json:"why"`
}

// board is GET /sim/board.
type board struct {
	Slots []struct {
		Slot    string `json:"slot"`
		Relay   bool   `json:"relay"`
		Pulses  int    `json:"pulses"`
		Dropped int    `json:"dropped"`
	} `json:"slots"`
	Door string `json:"door"`
}

// invoice is what the phone shows, or why it shows none.
type invoice struct {
	Reference string `json:"invoiceReference"`
	Status    string `json:"status"`
	Total     string `json:"totalAmount"`
	Currency  string `json:"currency"`
	Ers       string `json:"ersReference"`
	Rows      []row  `json:"rows"`
	ErrorCode string `json:"errorCode"`
	Message   string `json:"message"`
	Page      string `json:"-"` // what was scanned leads to the machine's page
}

// row is a line of a receipt.
type row struct {
	Description string `json:"description"`
	Total       string `json:"totalAmount"`
}

// shown is GET /api/screen, as far as the demo reads it.
type shown struct {
	Title string `json:"title"`
	QR    string `json:"qr"`
}

// screen is what the machine's display shows.
func (w *world) screen(ctx context.Context) (s shown, err error) {
	err = ask.Get(ctx, w.debug+"/api/screen", &s)
	return s, err
}

// The codes that never change: the machine's, and the sticker's.
const (
	machineQR = "HTTP://SEQR.SE/000/ups?w=" + merchant + "&t=" + token
	stickerQR = "HTTP://SEQR.SE/Q" + seqrID
)

// qr is what the machine's code says, on its display or on the sticker; "": there is none just now.
func (w *world) qr(ctx context.Context) (string, error) {
	switch w.setup.Flow {
	case reservation:
		return machineQR, nil
	case sticker:
		return stickerQR, nil
	}
	s, err := w.screen(ctx)
	return s.QR, err
}

// scan is the phone before the machine. A code that leads to the machine's page brings no invoice, and its address.
func (w *world) scan(ctx context.Context) (i invoice, err error) {
	code, err := w.qr(ctx)
	switch {
	case err != nil:
		return i, err
	case code == "":
		return invoice{ErrorCode: "NO_CODE", Message: "the screen shows no code just now"}, nil
	case strings.HasPrefix(code, w.ups):
		return invoice{Page: code}, nil
	}
	err = ask.Post(ctx, w.glase+"/phone/scan", map[string]string{"qr": code, "amount": amount, "currency": currency},
		&i)
	return i, err
}

func (w *world) confirm(ctx context.Context, ref string) (invoice, error) {
	return w.confirmWith(ctx, ref, pin)
}

func (w *world) confirmWith(ctx context.Context, ref, pin string) (i invoice, err error) {
	err = ask.Post(ctx, w.glase+"/phone/confirm", map[string]string{"invoiceReference": ref, "pin": pin}, &i)
	return i, err
}

// glaseGone makes Glase answer no call of the kiosk's, or all of them again.
func (w *world) glaseGone(ctx context.Context, gone bool) error {
	rules := []map[string]any{}
	if gone {
		rules = append(rules, map[string]any{"operation": "*", "fault": "lost_request"})
	}
	return ask.Post(ctx, w.glase+"/faults", map[string]any{"rules": rules}, new(any))
}

func (w *world) cancel(ctx context.Context, ref string) (i invoice, err error) {
	err = ask.Post(ctx, w.glase+"/phone/cancel", map[string]string{"invoiceReference": ref}, &i)
	return i, err
}

func (w *world) invoice(ctx context.Context, ref string) (i invoice, err error) {
	err = ask.Get(ctx, w.glase+"/phone/invoices/"+url.PathEscape(ref), &i)
	return i, err
}

func (w *world) ledger(ctx context.Context) (all []movement, err error) {
	err = ask.Get(ctx, w.glase+"/ledger", &all)
	return all, err
}

func (w *world) status(ctx context.Context) (s status, err error) {
	err = ask.Get(ctx, w.debug+"/api/status", &s)
	return s, err
}

// sales are the kiosk's sales, oldest first.
func (w *world) sales(ctx context.Context) ([]sale, error) {
	var newest []sale
	if err := ask.Get(ctx, w.debug+"/api/sales?limit=500", &newest); err != nil {
		return nil, err
	}
	oldest := make([]sale, 0, len(newest))
	for i := len(newest) - 1; i >= 0; i-- {
		oldest = append(oldest, newest[i])
	}
	return oldest, nil
}

func (w *world) board(ctx context.Context) (b board, err error) {
	err = ask.Get(ctx, w.debug+"/sim/board", &b)
	return b, err
}

// press presses a slot's button, "cancel", or opens or closes the "door".
func (w *world) press(ctx context.Context, button string) (b board, err error) {
	err = ask.Post(ctx, w.debug+"/sim/press", map[string]string{"slot": button}, &b)
	return b, err
}

// fault sets what is wrong with a slot: "jam", or "none".
func (w *world) fault(ctx context.Context, slot, fault string) error {
	return ask.Post(ctx, w.debug+"/sim/fault", map[string]string{"slot": slot, "fault": fault}, new(board))
}

// follow gives every step of the machine to told, beginning with the present one, until ctx or the kiosk ends.
func (w *world) follow(ctx context.Context, told func(status)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.debug+"/api/events", nil)
	if err != nil {
		return err
	}
	stream, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body) // of at most 64 KiB each
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var s status
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		told(s)
	}
	return lines.Err()
}
