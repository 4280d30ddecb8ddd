// Package front is what a customer sees of the machine and types on it.
//
// A Front turns the machine's state into a display.Screen, with its countdown and with what is being typed. Any number
// of followers may look at it, the machine's own display as well as pages: each is first told the whole screen, and one
// that is slow gets the newest next and holds nobody up.
package front

import (
	"bytes"
	"context"
	"image/png"
	"sync"
	"time"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/internal/config"
	"kioskd/internal/kiosk"
	"kioskd/internal/money"
	"kioskd/internal/reason"
	"kioskd/ups"
)

// Front is what the customer sees. Its methods may be called from any goroutine.
type Front struct {
	cfg config.Config
	now func() fsm.Instant

	mu        sync.Mutex
	view      kiosk.Update // as the kiosk was last
	told      bool         // the kiosk has said how it is
	ended     bool         // Run has
	link      string       // the address of the machine's page now; "": it has none
	typing    typing
	lent      string // what the idle screen's code says until lentTill, for a technician
	lentTill  fsm.Instant
	followers map[chan display.Screen]struct{} // each has room for one
	nudge     chan struct{}                    // Run's clock is to be looked at: there is a countdown

	painting sync.Mutex
	painter  *display.Painter // made for the first who asks for a picture
}

// typing is what a customer has typed so far, or a word about it.
type typing struct {
	typed  string
	notice reason.Why
}

// New makes the front of the config's machine. now is the clock of the kiosk's deadlines.
func New(cfg config.Config, now func() fsm.Instant) *Front {
	starting := kiosk.Update{State: fsm.State{Reason: reason.Starting}}
	return &Front{cfg: cfg, now: now, followers: map[chan display.Screen]struct{}{}, view: starting,
		nudge: make(chan struct{}, 1)}
}

// Run keeps the front at what the kiosk's steps say, and moves the countdown, until ctx ends; the last step is still
// taken. Run may be called once.
func (f *Front) Run(ctx context.Context, steps <-chan kiosk.Update) {
	second := time.NewTimer(0)
	defer second.Stop()
	defer f.end()
	for {
		select {
		case u := <-steps:
			f.step(u)
		case <-f.nudge:
		case <-second.C:
			f.tell()
		case <-ctx.Done():
			for len(steps) > 0 {
				f.step(<-steps)
			}
			return
		}
		second.Stop()
		if left := f.Screen().Remaining; left > 0 {
			second.Reset(left%time.Second + 10*time.Millisecond) // when the next whole second is over
		}
	}
}

func (f *Front) step(u kiosk.Update) {
	f.mu.Lock()
	f.view, f.told = u, true
	f.mu.Unlock()
	f.tell()
}

// end lets the followers go; what they have not taken yet they still get.
func (f *Front) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for ch := range f.followers {
		delete(f.followers, ch)
		close(ch)
	}
}

// Screen is what the customer sees now; until the kiosk has said how it is, that the machine is starting.
func (f *Front) Screen() display.Screen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.screen()
}

// screen is called with f locked.
func (f *Front) screen() display.Screen {
	now := f.now()
	s := f.typing.on(Draw(f.cfg, f.view.State, now, f.link))
	st := f.view.State
	idle := st.Stage.Phase() == fsm.Idle && !st.Busy() && !st.Serving() && st.Live.ShowTill == 0
	if left := f.lentTill.Since(now); f.lent != "" && left > 0 && idle {
		return display.Screen{Kind: display.Idle, Language: s.Language, Machine: s.Machine, QR: f.lent, Staff: true,
			Remaining: left}
	}
	return s
}

// Lend shows a code for a technician in place of the idle screen, an out of service one too, for as long as that; ""
// takes it away. A sale that begins meanwhile is shown as ever.
func (f *Front) Lend(code string, long time.Duration) {
	f.mu.Lock()
	f.lent, f.lentTill = code, f.now()+fsm.Instant(long)
	f.mu.Unlock()
	f.tell()
	select {
	case f.nudge <- struct{}{}:
	default: // it has not looked since the last one
	}
}

// Follow gives the screen, at once or as soon as the kiosk has said how it is, and then each newer one: after a step, a
// key, and each second of a countdown. A follower that is slow finds the newest only. The channel is closed when ctx
// ends, or Run has.
func (f *Front) Follow(ctx context.Context) <-chan display.Screen {
	ch := make(chan display.Screen, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		close(ch)
		return ch
	}
	if f.told {
		ch <- f.screen()
	}
	f.followers[ch] = struct{}{}
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, on := f.followers[ch]; on {
			delete(f.followers, ch)
			close(ch)
		}
	})
	return ch
}

// tell gives the followers the screen in place of one that they have not taken yet.
func (f *Front) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.told {
		return
	}
	s := f.screen()
	for ch := range f.followers {
		select {
		case <-ch:
		default:
		}
		ch <- s // has room: nobody else sends
	}
}

// LeadTo makes the idle screen's code lead to an address from now on.
func (f *Front) LeadTo(link string) {
	f.mu.Lock()
	f.link = link
	f.mu.Unlock()
	f.tell()
}

// show is told by a keypad what has been typed, and a word about it; both empty: nothing is typed.
func (f *Front) show(typed string, notice reason.Why) {
	f.mu.Lock()
	f.typing = typing{typed, notice}
	f.mu.Unlock()
	f.tell()
}

// on adds it where a product can be chosen.
func (t typing) on(s display.Screen) display.Screen {
	if t == (typing{}) || s.Kind != display.Choose && (s.Kind != display.Idle || s.QR != "") {
		return s
	}
	s.Typed, s.Notice = t.typed, t.notice
	return s
}

// The size of Picture, in pixels.
const PictureWidth, PictureHeight = 800, 480

// Picture draws what the customer sees, for a technician who is elsewhere, as a PNG of PictureWidth × PictureHeight.
func (f *Front) Picture() ([]byte, error) {
	f.painting.Lock()
	defer f.painting.Unlock()
	if f.painter == nil {
		var err error
		if f.painter, err = display.NewPainter(PictureWidth, PictureHeight); err != nil {
			return nil, err
		}
	}
	m, err := f.painter.Paint(f.Screen())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m)
	return b.Bytes(), err
}

// Draw says what a customer should see of a machine in that state. link is the address of its page, if it has one.
func Draw(cfg config.Config, s fsm.State, now fsm.Instant, link string) display.Screen {
	sale, offers := s.Sale, s.Offers()
	p := display.Screen{Language: cfg.Machine.Language, Machine: cfg.Machine.Name, Support: cfg.Machine.Support,
		Code: sale.ID, Prices: prices(offers), Notice: s.Live.Notice}
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
		switch {
		case s.Rules.Flow == fsm.Reservation:
			p.QR = ups.StaticQR(cfg.Glase.MerchantID, cfg.Machine.Token)
			if s.Rules.Page {
				p.Page = link
			}
		case s.Rules.Flow == fsm.Web:
			p.QR, p.OnPage = link, true
		}
		if !sellable(offers) {
			p.Kind, p.Why = display.OutOfService, reason.SoldOut
			for _, f := range s.Faults { // against slots alone, or it would not be ready
				p.Why = f.Name
			}
		}
	case fsm.Invoicing:
		p.Kind, p.Amount = display.Confirm, sale.Reserved // what comes next, and within a second
		if sale.Flow != fsm.Reservation || sale.EndReason != "" {
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
		if s.Stage == fsm.Resolving {
			p.Why = reason.Resolving
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
