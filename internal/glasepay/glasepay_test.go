package glasepay

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"kioskd/fsm"
	"kioskd/glase"
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
		{fmt.Errorf("wrapped: %w", &glase.UnknownError{Op: "refundPayment", Err: errors.New("reset")}),
			fsm.ResultUnknown, ""},
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
