package app

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/ups"
)

// showMax is longer than any display takes for a picture; an electronic paper takes some seconds.
const showMax = 10 * time.Second

var errHangs = errors.New("a picture takes longer than 10 s")

// screen keeps the display at what the kiosk last showed, and moves its countdown. Only the newest view counts, so a slow display
// never holds up the loop.
type screen struct {
	cfg    config.Config
	driver Driver
	now    func() fsm.Instant
	newest chan kiosk.View // holds at most one
	last   atomic.Pointer[kiosk.View]
	typing atomic.Pointer[typing]
	again  chan struct{} // holds at most one: draw the same view anew
}

func newScreen(cfg config.Config, driver Driver, now func() fsm.Instant) *screen {
	return &screen{cfg: cfg, driver: driver, now: now, newest: make(chan kiosk.View, 1), again: make(chan struct{}, 1)}
}

// view is what was shown last; before the first step the zero View, which is out of service.
func (s *screen) view() kiosk.View {
	if v := s.last.Load(); v != nil {
		return *v
	}
	return kiosk.View{State: fsm.State{Reason: "starting"}}
}

// Show implements kiosk.Screen. Only the loop calls it.
func (s *screen) Show(v kiosk.View) {
	s.last.Store(&v)
	select {
	case <-s.newest:
	default:
	}
	s.newest <- v
}

// run draws until ctx ends, the last view included, and tells when the display begins or ceases to fail.
func (s *screen) run(ctx context.Context, failed func(error)) {
	var view kiosk.View
	var tick <-chan time.Time
	broken := false
	tell := func(err error) {
		if (err != nil) != broken {
			broken = err != nil
			failed(err)
		}
	}
	for ctx.Err() == nil {
		select {
		case view = <-s.newest:
		case <-tick:
		case <-s.again:
			view = s.view()
		case <-ctx.Done():
			select {
			case view = <-s.newest:
			default:
				return
			}
		}
		picture := s.withTyping(draw(s.cfg, view, s.now()))
		shown := make(chan error, 1)
		go func() { shown <- s.driver.Show(picture) }()
		select {
		case err := <-shown:
			tell(err)
		case <-time.After(showMax):
			tell(errHangs)
			tell(<-shown)
		}
		tick = nil
		switch {
		case broken:
			tick = time.After(10 * time.Second) // perhaps it is back
		case picture.Remaining > 0:
			tick = time.After(picture.Remaining%time.Second + 10*time.Millisecond) // when the next whole second is over
		}
	}
}

// draw says what a customer should see now.
func draw(cfg config.Config, v kiosk.View, now fsm.Instant) display.Screen {
	s, sale, offers := v.State, v.State.Sale, v.State.Offers()
	p := display.Screen{Language: cfg.Machine.Language, Machine: cfg.Machine.Name, Support: cfg.Machine.Support, Code: sale.ID,
		Prices: prices(offers), Notice: s.Live.Notice}
	if s.Deadline != 0 {
		p.Remaining = max(0, s.Deadline.Since(now))
	}
	if sale.Ended && s.Live.ShowTill != 0 {
		return ended(p, sale)
	}
	stage := s.Stage
	if s.Live.Unseen { // nobody pays it yet: it may be another machine's
		stage = fsm.Invoicing
	}
	switch stage {
	case fsm.Ready:
		p.Kind = display.Idle
		if s.Rules.Flow == fsm.Reservation {
			p.QR = ups.StaticQR(cfg.Glase.MerchantID, cfg.Machine.Token)
		}
		if !sellable(offers) {
			p.Kind, p.Why = display.OutOfService, fsm.SlotSoldOut
			for _, f := range s.Faults { // against slots alone, or it would not be ready
				p.Why = f.Name
			}
		}
	case fsm.Invoicing:
		p.Kind, p.Amount = display.Confirm, sale.Reserved // what comes next, and within a second
		if sale.Flow != fsm.Reservation || sale.Stop != "" {
			p.Kind, p.Amount = display.Settling, money.Amount{}
		}
	case fsm.Awaiting:
		p.Kind, p.Amount = display.Confirm, sale.Reserved
		if sale.Flow != fsm.Reservation {
			p.Kind, p.Product = display.Scan, product(sale)
		}
		if sale.Flow == fsm.InvoiceQR || sale.Flow == fsm.Web {
			p.QR = sale.QR
		}
	case fsm.Asking:
		p.Kind, p.Amount, p.Product = display.Asking, sale.Reserved, product(sale)
	case fsm.Choosing:
		p.Kind, p.Credit, p.Amount = display.Choose, sale.Credit(), sale.Basket()
	case fsm.Vending:
		p.Kind, p.Product, p.Remaining = display.Dispensing, product(sale), 0
	case fsm.Updating, fsm.Committing, fsm.Confirming, fsm.Releasing, fsm.Refunding:
		p.Kind, p.Amount, p.Remaining = display.Settling, sale.Basket(), 0
	case fsm.Receipting:
		sale.State = fsm.Charged
		return ended(p, sale)
	default:
		p.Kind, p.Why, p.Code, p.Remaining = display.OutOfService, s.Reason, "", 0
		if s.Reason == "" {
			p.Why = string(s.Stage)
		}
	}
	return p
}

// ended is a sale's result.
func ended(p display.Screen, sale fsm.Sale) display.Screen {
	p.Remaining, p.Why, p.Reference, p.Notice = 0, sale.Why, sale.ErsReference, ""
	for _, i := range sale.Items {
		if i.Charge() {
			p.Items = append(p.Items, display.Price{Slot: i.Slot, Name: i.Name, Amount: i.Price})
		}
	}
	switch sale.State {
	case fsm.Charged:
		p.Kind, p.Amount = display.Done, sale.Basket()
	case fsm.Refunded:
		p.Kind, p.Amount = display.Refunded, sale.Refunded
	default:
		p.Kind = display.NothingCharged
	}
	return p
}

// product is the item that the sale is about now.
func product(sale fsm.Sale) string {
	if n := len(sale.Items); n > 0 {
		return sale.Items[n-1].Name
	}
	return ""
}

func prices(offers []fsm.Offer) []display.Price {
	out := make([]display.Price, 0, len(offers))
	for _, o := range offers {
		out = append(out, display.Price{Slot: o.ID, Name: o.Name, Amount: o.Price, State: o.State})
	}
	return out
}

func sellable(offers []fsm.Offer) bool {
	for _, o := range offers {
		if o.Sellable() {
			return true
		}
	}
	return false
}
