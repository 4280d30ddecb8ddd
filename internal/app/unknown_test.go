package app

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/glase/glasetest"
)

// TestAnAnswerThatIsNoAnswerIsUnknown: only Glase's own word, or a line that was never opened, says that money has
// not moved.
func TestAnAnswerThatIsNoAnswerIsUnknown(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fsm.ResultKind
		word string
	}{
		{nil, fsm.Done, ""},
		{errors.New("anything"), fsm.ResultUnknown, ""},
		{context.DeadlineExceeded, fsm.ResultUnknown, ""},
		{&glase.UnknownError{Op: "refundPayment", Err: errors.New("reset")}, fsm.ResultUnknown, ""},
		{fmt.Errorf("wrapped: %w", &glase.UnknownError{Op: "refundPayment", Err: errors.New("reset")}), fsm.ResultUnknown, ""},
		{&glase.NotSentError{Op: "refundPayment", Err: errors.New("refused")}, fsm.NotSent, ""},
		{&glase.ResultError{Op: "refundPayment", Code: 49}, fsm.Refused, "code 49"},
		{fmt.Errorf("glase: title: %w", glase.ErrInvalid), fsm.Refused, ""},
	} {
		r := result(c.err)
		if r.Kind != c.want || r.Word != c.word || (r.Text == "") != (c.err == nil) {
			t.Errorf("%v is %+v, want %s %q and its words", c.err, r, c.want, c.word)
		}
	}
}

// TestARefundWhoseAnswersAreLostReachesTheCustomer: the money goes back although nobody says so for a while, once,
// and no person needs to look after it.
func TestARefundWhoseAnswersAreLostReachesTheCustomer(t *testing.T) {
	for _, acts := range []bool{false, true} {
		play(t, "sticker", func(w *world) {
			w.rules(glasetest.Fault{Operation: "refundPayment", Fault: "reset", Acts: acts, Count: 7})
			w.fault("A1", "jam")
			ref := w.buy()
			time.Sleep(5 * time.Minute)
			sale := w.settled()
			w.money(ref, 0)
			if sale.State != fsm.Refunded || sale.Refunded != sale.Charged || sale.Charged.IsZero() {
				t.Errorf("ended %s with %v refunded of %v: %s", sale.State, sale.Refunded, sale.Charged, sale.Note)
			}
		})
	}
}
