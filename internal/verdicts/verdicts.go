// Package verdicts takes a person's word on one sale, from the technicians' port or from the desk, and gives it to the
// kiosk with what the record has of the sale.
package verdicts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"kioskd/fsm"
	"kioskd/internal/debug"
	"kioskd/internal/fleet/protocol"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
)

// Record is what the journal has of the sales.
type Record interface {
	Doubt(ctx context.Context, id string) (fsm.Sale, error)
	Charged(ctx context.Context, id string) (fsm.Sale, error)
}

// Sales takes verdicts on a machine's sales.
type Sales struct {
	Kiosk  *kiosk.Kiosk
	Record Record // nil: the journal cannot be used
}

// ErrNoJournal is for what needs a journal that could not be opened.
var ErrNoJournal = errors.New("the journal cannot be used: the log of the last start says why")

// Resolve settles a sale in doubt as a person decided. The record is read before the loop takes the verdict, and
// nothing but another verdict changes it meanwhile, which the loop would refuse.
func (s *Sales) Resolve(ctx context.Context, id string, v fsm.Verdict) error {
	sale, err := s.Doubt(ctx, id)
	if err != nil {
		return err
	}
	return s.Kiosk.Resolve(ctx, sale, v)
}

// Refund begins to give back a part of a sale that was charged, or with no amount all that is left of it, as a person
// decided.
func (s *Sales) Refund(ctx context.Context, id, amount string, v fsm.Verdict) error {
	sale, back, err := s.charged(ctx, id, amount)
	if err != nil {
		return err
	}
	v.Amount = back.Amount
	return s.Kiosk.Resolve(ctx, sale, v)
}

// Doubt is a sale that stands in doubt, or the one that is open: Glase may never say what becomes of it.
func (s *Sales) Doubt(ctx context.Context, id string) (fsm.Sale, error) {
	if s.Record == nil {
		return fsm.Sale{}, ErrNoJournal
	}
	sale, err := s.Record.Doubt(ctx, id)
	if now := s.Kiosk.State(); errors.Is(err, journal.ErrNoDoubt) && now.Busy() && now.Sale.ID == id {
		return now.Sale, nil
	}
	return sale, err
}

// charged is a sale of which something goes back, and how much.
func (s *Sales) charged(ctx context.Context, id, amount string) (fsm.Sale, fsm.Verdict, error) {
	v := fsm.Verdict{Decision: fsm.Refund}
	if s.Record == nil {
		return fsm.Sale{}, v, ErrNoJournal
	}
	sale, err := s.Record.Charged(ctx, id)
	if err != nil {
		return fsm.Sale{}, v, err
	}
	if v.Amount, err = debug.RefundOf(sale, amount); err != nil {
		return fsm.Sale{}, v, err
	}
	return sale, v, nil
}

// Obey has a person's command from the desk recorded and carried out. A repeat is answered with what became of the
// first, whatever the record says of its sale now. Of a sale that the record does not have so the state machine is
// given none, for it to refuse.
func (s *Sales) Obey(ctx context.Context, c protocol.Command, p protocol.Person) protocol.Outcome {
	var sale fsm.Sale
	var v fsm.Verdict
	var err error
	switch c.Word {
	case protocol.Resolve:
		v.Decision, v.ByHand = fsm.Decision(c.Decision), c.ByHand
		sale, err = s.Doubt(ctx, c.Sale)
	case protocol.Refund:
		sale, v, err = s.charged(ctx, c.Sale, c.Amount)
	}
	if err != nil && !errors.Is(err, journal.ErrNoDoubt) && !errors.Is(err, journal.ErrNoCharge) &&
		!errors.Is(err, debug.ErrAmount) {
		return protocol.Outcome{ID: c.ID, Refusal: string(fsm.NoRecord), Text: err.Error()}
	}
	order := fsm.Command{ID: c.ID, Order: fsm.Order(c.Word), By: p.Name, Reason: c.Reason, What: what(c)}
	refusal := s.Kiosk.Command(ctx, order, sale, v)
	o := protocol.Outcome{ID: c.ID, Done: refusal == "", Refusal: string(refusal), Text: meaning(refusal)}
	if refusal == fsm.NothingToDo && err != nil {
		o.Text = err.Error()
	}
	return o
}

// what names a command's act in full and in few bytes, which the record keeps of the last ones. "": its word says all.
func what(c protocol.Command) string {
	if c.Sale == "" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %t %q", c.Sale, c.Decision, c.ByHand, c.Amount))
	return hex.EncodeToString(sum[:8])
}

// meaning says a refusal to a person.
func meaning(why fsm.Refusal) string {
	switch why {
	case "":
		return ""
	case fsm.SaleIsOn:
		return "a sale is on: give the command again when it has ended"
	case fsm.ActIsOn:
		return "a technician's act is on: give the command again when it has ended"
	case fsm.NoRecord, fsm.DeviceUnavailable:
		return "nothing is done now: the journal cannot be written, or kioskd is ending"
	case fsm.NothingToDo:
		return "there is nothing to do: it is so already, or no sale stands so"
	case fsm.SaysTooLittle:
		return "the command says too little, or its id is another one's"
	case fsm.SystemError:
		return "the machine has not answered in time: give the same command again"
	}
	return fmt.Sprintf("not done: %s", why)
}
