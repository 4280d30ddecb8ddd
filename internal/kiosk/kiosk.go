// Package kiosk is the runtime: the one loop that receives, steps, records, acts. It knows no product: what is sold,
// for how much and how many are left is in the state.
//
// Everything that happens enters the loop as an event; fsm.Step decides; a step that changes what is true about money,
// motors or promises is on the disk before its effects are carried out; slow effects run beside the loop and come back
// as events. One goroutine, the one that called Run, owns the state.
package kiosk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/money"
	"kioskd/internal/reason"
)

const (
	inboxMax  = 64               // events that may wait for the loop; buttons beyond it are dropped, answers wait
	lagMax    = 64               // steps that a slow follower may lag behind before it loses some
	finishMax = 10 * time.Second // for calls and vends that were told to end
	// how long an end of the daemon waits for a sale to be settled; the next start does the rest
	settleMax = 20 * time.Second
)

// Record is a durable step, as the journal keeps it.
type Record struct {
	Wall    time.Time // the wall clock's word, which a Pi without network gets wrong
	Before  fsm.Live  // the volatile part that the step began with
	Event   fsm.Event
	After   fsm.State
	Effects []fsm.Effect
}

// Journal records steps. Append returns nil once the step survives a power cut.
type Journal interface {
	Append(ctx context.Context, r Record) error
}

// stamped is an event that only lacks the instant at which the loop receives it. It is called once, by the loop; nil:
// it is an event no more.
type stamped func(at fsm.Instant) fsm.Event

// Payments carries out a call to the payment service, whichever it is. It returns within that operation's own time
// budget and never fails: not knowing is an outcome too. The loop gives the answer its moment.
type Payments interface {
	Call(ctx context.Context, call fsm.Call) fsm.Answered
}

// Dispenser makes one product come out.
type Dispenser interface {
	// Vend runs an item's one vend to its end. When ctx ends the motor stops at once; the outcome still says what is
	// known.
	Vend(ctx context.Context, item fsm.Item) (outcome fsm.ItemOutcome, why reason.Why)
	// Pulse has the relay of a technician's act on for as long as it says. When ctx ends it goes off at once. why is ""
	// when it was on for as long as was asked for.
	Pulse(ctx context.Context, act fsm.Service) (why reason.Why)
	// Halt makes all outputs inactive at once and keeps them so.
	Halt() error
}

// Update is one step, as followers see it; the first that a follower gets is the whole state that it comes to, without
// an Event.
type Update struct {
	Seq     uint64 // counts the steps of this run from 1; a gap is what a slow follower has lost
	Wall    time.Time
	Event   fsm.Event
	State   fsm.State
	Durable bool
}

// Config wires a kiosk. State is empty for a new machine, Evidence is nil when no dispenser remembers anything, InStep
// is nil when no machine sells in step with the loop, Log's zero value says nothing, and nobody need follow; the rest
// is required.
type Config struct {
	Rules     fsm.Rules
	Shelf     []fsm.Slot     // what the machine sells
	First     map[string]int // products in each slot that the journal does not know yet
	State     fsm.State      // as the journal left it
	Journal   Journal
	Payments  Payments
	Dispenser Dispenser
	NewSale   func() fsm.NewSale // mints a sale's identifiers
	NewItem   func() string      // mints an item's identifier
	Now       func() fsm.Instant // the monotonic clock of this boot
	Boot      string             // this boot's id
	Wall      func() time.Time
	Log       zerolog.Logger

	// InStep is told how the machine is within each step, before the next one, by a loop that waits for it: it is for
	// a machine of its own, which may not lag behind. It must return at once. All others Follow.
	InStep func(fsm.State)

	// Alive is called by the loop once it has taken the boot's step, and then each AliveEvery for as long as it runs;
	// 0: not again. A loop that is wedged does not call it, which is how a watchdog finds out. It must not block. nil:
	// nobody watches.
	Alive      func()
	AliveEvery time.Duration

	// Restart ends Run soon, for the whole daemon to begin anew, as a person at the desk wants. nil: nobody can. It
	// must not block.
	Restart func()

	// Evidence is what the dispensers still know of the items that were being vended when the last run ended. Run calls
	// it once, before its first step, and receives nothing until it returns.
	Evidence func(ctx context.Context, left fsm.State) []fsm.Evidence

	RefilledBy string // who has filled the machine up to First; "": nobody

	Lost string // what the journal is known to have lost of its end, for a technician; "": nothing
}

// Kiosk is one machine. Its methods may be called from any goroutine.
type Kiosk struct {
	cfg   Config
	inbox chan stamped
	done  chan struct{} // closed when Run returns
	state atomic.Pointer[fsm.State]

	mu        sync.Mutex
	waiting   map[string]chan answer // createPurchase calls, verdicts, acts, …, by request id
	requests  int
	followers map[chan Update]struct{}
	whole     Update // what a new follower is told first; the zero Update until the boot's step

	// The loop's own.
	current fsm.State
	seq     uint64
	memory  bool             // the journal lacks what has become true: what has begun is settled from memory
	proofs  int              // records that it took in a row since it refused one
	again   <-chan time.Time // when it is tried next; nil: nothing stands against it
	vends   map[string]context.CancelFunc
	work    sync.WaitGroup
	ctx     context.Context // of calls and vends
}

// answer is an fsm.Answer, and the state that came with it.
type answer struct {
	reference string
	refusal   fsm.Refusal
	state     fsm.State
}

// New makes a kiosk; Run starts it.
func New(cfg Config) (*Kiosk, error) {
	if cfg.Journal == nil || cfg.Payments == nil || cfg.Dispenser == nil || cfg.NewSale == nil ||
		cfg.NewItem == nil || cfg.Now == nil || cfg.Wall == nil || cfg.Boot == "" {
		return nil, errors.New("kiosk: a part is missing")
	}
	if err := fsm.CheckShelf(cfg.Shelf); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	k := &Kiosk{
		cfg: cfg, inbox: make(chan stamped, inboxMax), done: make(chan struct{}), waiting: map[string]chan answer{},
		followers: map[chan Update]struct{}{}, vends: map[string]context.CancelFunc{},
	}
	k.current = cfg.State
	k.state.Store(&fsm.State{})
	return k, nil
}

// State is the present state; the zero State, without a stage, until the boot's step. It is a value that nobody writes
// into any more.
func (k *Kiosk) State() fsm.State { return *k.state.Load() }

// CreatePurchase asks for a reservation and waits for the answer or for ctx. payer is a keyed hash of the phone number,
// never the number. Exactly one of the results is set; a ctx that ends first is a SYSTEM_ERROR, and the sale goes on.
func (k *Kiosk) CreatePurchase(ctx context.Context, payer string, amount money.Amount) (string, fsm.Refusal) {
	a := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.PurchaseRequested{At: at, Request: request, New: k.cfg.NewSale(), Payer: payer, Amount: amount}
	})
	return a.reference, a.refusal
}

// Refusal is the code that CreatePurchase would answer with now, by the state as everybody sees it: the loop is not
// asked, and nothing is recorded. "": it would not be refused, or that does not show.
func (k *Kiosk) Refusal(payer string, amount money.Amount) (code fsm.Refusal) {
	s := k.State()
	if s.Stage == "" {
		return "" // the boot's step decides
	}
	_, effects, _ := fsm.Step(s, fsm.PurchaseRequested{At: k.cfg.Now(), Payer: payer, Amount: amount})
	for _, f := range effects {
		if a, ok := f.(fsm.Answer); ok {
			code = a.Refusal
		}
	}
	return code
}

// await gives the loop an event, made by the loop, and waits for the Answer to it or for ctx.
func (k *Kiosk) await(ctx context.Context, event func(at fsm.Instant, request string) fsm.Event) answer {
	got := make(chan answer, 1)
	k.mu.Lock()
	k.requests++
	id := fmt.Sprintf("r%d", k.requests)
	k.waiting[id] = got
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.waiting, id)
		k.mu.Unlock()
	}()
	select {
	case k.inbox <- func(at fsm.Instant) fsm.Event {
		// The process may have been frozen since, or the card slow: who has given up long ago is not served. Asked of
		// the clock, since the context's own timer may be behind.
		if end, has := ctx.Deadline(); has && !time.Now().Before(end) {
			return nil
		}
		return event(at, id)
	}:
	case <-k.done:
		return answer{refusal: fsm.DeviceUnavailable}
	case <-ctx.Done():
		return answer{refusal: fsm.SystemError}
	}
	select {
	case a := <-got:
		return a
	case <-k.done:
		return answer{refusal: fsm.DeviceUnavailable}
	case <-ctx.Done():
		return answer{refusal: fsm.SystemError}
	}
}

// Choose is a product's button. It reports whether the press was taken: while the loop has a full inbox, none is.
func (k *Kiosk) Choose(slot string) bool {
	return k.offer(func(at fsm.Instant) fsm.Event {
		return fsm.ProductChosen{At: at, New: k.cfg.NewSale(), Item: k.cfg.NewItem(), Slot: slot}
	})
}

// ChooseAt is a product that the customer chose at a machine which has prices of its own. It waits until the choice is
// taken, for which a fresh look at the reservation may be needed, or refused, or for ctx; "" is taken: its vend begins.
func (k *Kiosk) ChooseAt(ctx context.Context, slot string, price money.Amount) fsm.Refusal {
	return k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.ProductChosen{At: at, Request: request, New: k.cfg.NewSale(), Item: k.cfg.NewItem(), Slot: slot,
			Price: price}
	}).refusal
}

// ChooseOnPage is a product that a customer chose on the page whose claim it is, see fsm.Sale; "" is taken: the sale
// has begun. It waits for the answer or for ctx.
func (k *Kiosk) ChooseOnPage(ctx context.Context, slot, claim string) fsm.Refusal {
	return k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.ProductChosen{At: at, Request: request, New: k.cfg.NewSale(), Item: k.cfg.NewItem(), Slot: slot,
			Claim: claim}
	}).refusal
}

// CancelSale is a page's cancel button: it ends this sale alone, as Cancel ends whichever is on.
func (k *Kiosk) CancelSale(sale string) bool {
	return k.offer(func(at fsm.Instant) fsm.Event { return fsm.CancelPressed{At: at, Sale: sale} })
}

// PageLeft says that nobody looks any more at the page on which this sale was chosen.
func (k *Kiosk) PageLeft(sale string) {
	k.post(func(at fsm.Instant) fsm.Event { return fsm.PageLeft{At: at, Sale: sale} })
}

// Cancel is the customer's cancel button.
func (k *Kiosk) Cancel() bool {
	return k.offer(func(at fsm.Instant) fsm.Event { return fsm.CancelPressed{At: at} })
}

// Retry is the customer's "try again".
func (k *Kiosk) Retry() bool {
	return k.offer(func(at fsm.Instant) fsm.Event { return fsm.RetryPressed{At: at} })
}

// Notify is Glase's hint about the sale whose secret it names; false: no open sale has it.
func (k *Kiosk) Notify(secret string) bool {
	s := k.State()
	if !s.Busy() || !sameSecret(secret, s.Sale.Secret) {
		return false
	}
	k.offer(func(at fsm.Instant) fsm.Event { return fsm.Notified{At: at, Secret: secret} })
	return true
}

// Raise takes the machine out of service for a reason; a hard one also ends the sale that is on. Clear takes the reason
// away.
func (k *Kiosk) Raise(f fsm.Fault) {
	k.post(func(at fsm.Instant) fsm.Event { return fsm.FaultRaised{At: at, Fault: f} })
}

// Clear takes a fault's reason away.
func (k *Kiosk) Clear(name reason.Why) {
	k.post(func(at fsm.Instant) fsm.Event { return fsm.FaultCleared{At: at, Name: name} })
}

// Serviced is a technician's word that the machine has been looked at: closed slots, and what else waits for a person,
// get a new chance. by says who; it is recorded.
func (k *Kiosk) Serviced(by string) {
	k.post(func(at fsm.Instant) fsm.Event { return fsm.SlotsOpened{At: at, By: by} })
}

// Why a verdict was not taken.
var (
	ErrBusy      = errors.New("a sale is on: try again when it has ended")
	ErrNoVerdict = errors.New("it cannot be settled this way now")
	ErrOpen      = errors.New(
		"the sale is still being settled with Glase: wait for it; if Glase stays silent, settle it by hand (--by-hand)")
)

// Resolve begins to settle a sale that stands in doubt as a person decided; State tells when it has ended, and how. It
// is ErrBusy while another sale is open, ErrServing during a technician's act, and ErrNoVerdict when nothing would
// follow: the journal cannot be written, or the verdict says too little or has nothing to act on. A sale that is open
// itself, because Glase says nothing that decides it, can be settled by hand once Glase was asked a few times in vain;
// any other verdict on it is ErrOpen.
func (k *Kiosk) Resolve(ctx context.Context, sale fsm.Sale, v fsm.Verdict) error {
	code := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.SaleResolved{At: at, Request: request, Sale: sale, Verdict: v}
	}).refusal
	switch {
	case code == "":
		return nil
	case code == fsm.SaleIsOn && sale.State == fsm.Open:
		return ErrOpen
	case code == fsm.SaleIsOn:
		return ErrBusy
	case code == fsm.ActIsOn:
		return ErrServing
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ErrNoVerdict
}

// ErrNoAcceptance: there is no loss to accept, or nothing can be recorded, or it is not said who accepts it, and why.
var ErrNoAcceptance = errors.New(
	"nothing is accepted: no records are known to be lost, or the journal cannot be written")

// AcceptLoss puts a machine whose journal has lost its newest entries back into service. by says who has compared
// Glase's books and the machine with what is left, and reason what came of it; both are recorded.
func (k *Kiosk) AcceptLoss(ctx context.Context, by, reason string) error {
	code := k.await(ctx, func(at fsm.Instant, request string) fsm.Event {
		return fsm.LossAccepted{At: at, Request: request, By: strings.TrimSpace(by), Reason: strings.TrimSpace(reason)}
	}).refusal
	switch {
	case code == "":
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ErrNoAcceptance
}

// Follow tells what the machine does until ctx ends: first the whole state, as soon as the boot's step has made it, and
// then each step. The loop waits for nobody: a follower that lags loses the oldest steps that it has not taken, never
// the newest, and sees by Update.Seq that it did. Whoever lets strangers follow bounds how many they are: each may hold
// lagMax states.
func (k *Kiosk) Follow(ctx context.Context) <-chan Update {
	ch := make(chan Update, lagMax)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.whole.Seq > 0 {
		ch <- k.whole
	}
	k.followers[ch] = struct{}{}
	context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.followers, ch)
	})
	return ch
}

// offer gives the loop an event that may be lost.
func (k *Kiosk) offer(o stamped) bool {
	select {
	case k.inbox <- o:
		return true
	default:
		return false
	}
}

// post gives the loop an event that may not be lost while it runs.
func (k *Kiosk) post(o stamped) {
	select {
	case k.inbox <- o:
	case <-k.done:
	}
}
