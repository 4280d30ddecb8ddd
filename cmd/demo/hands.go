package main

import (
	"context"
	"time"
)

const (
	lookEvery  = 500 * time.Millisecond // how often the customer looks at the phone
	refusalFor = 3 * time.Second        // how long a refusal stays before the phone shows the earlier invoice again
	deedFor    = 3 * time.Second        // how long it is told what was done at the machine
)

// hands do what the keys say, one after the other, and tell what came of it.
type hands struct {
	w    *world
	ref  string    // of the invoice on the phone; "" for none
	next time.Time // the earliest moment to look at the phone again
	done time.Time // of the last deed at the machine
	seen seen
	tell func(seen)
}

// seen is what the customer sees besides the kiosk's screen.
type seen struct {
	phone string // what the phone shows
	front string // what was done at the machine last
	jam   bool   // the next product will jam
	open  bool   // the service door
}

// run works until ctx ends.
func (h *hands) run(ctx context.Context, strokes <-chan keystroke) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	h.seen.phone = "scan the QR code with s"
	for {
		h.tell(h.seen)
		select {
		case k := <-strokes:
			h.do(ctx, k)
		case <-look.C:
			if time.Since(h.done) > deedFor {
				h.seen.front = ""
			}
			if h.ref != "" && time.Now().After(h.next) {
				i, err := h.w.invoice(ctx, h.ref)
				h.show(i, err)
				if over(i) {
					h.ref = ""
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

func (h *hands) do(ctx context.Context, k keystroke) {
	switch k.deed {
	case scanQR:
		h.seen.phone = "scanning …"
		h.tell(h.seen)
		i, err := h.w.scan(ctx)
		h.show(i, err)
		if i.Reference != "" {
			h.ref = i.Reference
		} else {
			h.next = time.Now().Add(refusalFor)
		}
	case confirmPIN, cancelOnPhone:
		if h.ref == "" {
			h.seen.phone = "nothing to answer: scan with s"
			return
		}
		act := h.w.confirm
		if k.deed == cancelOnPhone {
			act = h.w.cancel
		}
		i, err := act(ctx, h.ref)
		if i.ErrorCode == "NOT_OPEN" { // the phone shows how it stands, at the next look
			return
		}
		h.show(i, err)
	case pressProduct:
		h.product(ctx, slots()[k.slot].ID)
	case pressCancel:
		h.press(ctx, "cancel", "pressed cancel")
	case toggleDoor:
		h.press(ctx, "door", "")
	case toggleJam:
		h.seen.jam, h.seen.front = !h.seen.jam, ""
	}
}

// product presses a product's button. Every press says whether the slot jams, so that a jam which was armed and never
// came to be, because the machine did not take the press, is no surprise to a later one.
func (h *hands) product(ctx context.Context, slot string) {
	fault, done := "none", "pressed "+slot
	if h.seen.jam {
		fault, done = "jam", "pressed "+slot+", which jams"
	}
	if err := h.w.fault(ctx, slot, fault); err != nil {
		h.seen.front = err.Error()
		return
	}
	h.seen.jam = false
	h.press(ctx, slot, done)
}

func (h *hands) press(ctx context.Context, button, done string) {
	h.done = time.Now()
	b, err := h.w.press(ctx, button)
	if err != nil {
		h.seen.front = err.Error()
		return
	}
	h.seen.front, h.seen.open = done, b.Door == "open"
}

func (h *hands) show(i invoice, err error) {
	h.seen.phone = i.onPhone()
	if err != nil {
		h.seen.phone = err.Error()
	}
}

// over reports whether nothing more happens to an invoice.
func over(i invoice) bool {
	return i.ErrorCode != "" || i.Status == "PAID" || i.Status == "CANCELED" || i.Status == "FAILED"
}

// onPhone is what the phone shows of an invoice, in a few words.
func (i invoice) onPhone() string {
	sum := i.Total + " " + i.Currency
	switch i.Status {
	case "ISSUED", "PENDING_ISSUER_ACKNOWLEDGE":
		return "up to " + sum + "? p yes, x no"
	case "RESERVED":
		return sum + " reserved: choose 1-6"
	case "PAID":
		return "paid " + sum
	case "CANCELED":
		return "cancelled: nothing paid"
	case "FAILED":
		return "the payment failed"
	}
	switch i.ErrorCode {
	case "":
		return i.Status
	case "DEVICE_IN_USE":
		return "refused: the machine is in use"
	case "DEVICE_UNAVAILABLE":
		return "refused: the machine sells nothing"
	case "TIMEOUT":
		return "refused: no answer in time"
	}
	return "refused: " + i.ErrorCode
}
