package ups

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// TestABodyThatWasCutOffReservesNothing: what arrived until then may read as a whole wish, whose amount or customer
// the rest would have contradicted. Nobody's money is held on half a message.
func TestABodyThatWasCutOffReservesNothing(t *testing.T) {
	for name, lost := range map[string]error{"lost": io.ErrUnexpectedEOF, "too slow": errors.New("i/o timeout")} {
		m := &machine{}
		w := httptest.NewRecorder()
		body := io.MultiReader(strings.NewReader(wish("20.00", msisdn)), iotest.ErrReader(lost))
		newHandler(t, m, nil).ServeHTTP(w, httptest.NewRequest("POST", "/seqr/createPurchase", body))
		if r := (reply{w.Code, w.Header(), w.Body.String()}); r.status != 400 || !r.isCode(SystemError) ||
			m.calls() != 0 {
			t.Errorf("%s: answered %d %s after asking the kiosk %d times", name, r.status, r.body, m.calls())
		}
	}
}
