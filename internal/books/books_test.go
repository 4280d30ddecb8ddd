package books

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

const (
	endpoint = "http://glase.test/soap/merchant/cashregister-2"
	own      = glasetest.TestTerminal
)

// desk is a machine's books beside a Glase, on virtual time.
type desk struct {
	*testing.T
	glase  *glasetest.Glase
	till   *glase.Client // the machine's own
	line   http.RoundTripper
	config Config
	sales  []journal.Numbered // oldest first
	busy   atomic.Bool
	calls  int
}

func play(t *testing.T, story func(d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{T: t, glase: glasetest.New(glasetest.Config{})}
		defer d.glase.Close()
		d.line = d.glase.Transport()
		d.till = d.client(glase.Config{TerminalID: own, Password: glasetest.TestTerminalPassword})
		defer d.till.Close()
		d.config = Config{
			Folder: filepath.Join(t.TempDir(), "books"), Terminal: own, Currency: "SEK", Sales: d,
			Busy: d.busy.Load, Wall: time.Now, Log: zerolog.Nop(),
			Open: func(asked func(string, int, error)) (Glase, error) {
				return d.client(glase.Config{Log: asked, Reseller: &glase.Reseller{ID: glasetest.TestReseller,
					UserID: glasetest.TestResellerUser, Password: glasetest.TestResellerPassword}}), nil
			},
		}
		story(d)
	})
}

func (d *desk) client(c glase.Config) *glase.Client {
	d.Helper()
	c.Endpoint, c.ClientID, c.Transport = endpoint, "test", d.line
	c.NewReference = func() string { d.calls++; return fmt.Sprint("call-", d.calls) }
	client, err := glase.New(c)
	if err != nil {
		d.Fatal(err)
	}
	return client
}

// SalesBefore is the machine's record.
func (d *desk) SalesBefore(_ context.Context, entry int64, limit int) (newest []journal.Numbered, _ error) {
	for i := len(d.sales) - 1; i >= 0 && len(newest) < limit; i-- {
		if d.sales[i].First < entry {
			newest = append(newest, d.sales[i])
		}
	}
	return newest, nil
}

// sell charges a customer at Glase, and records it.
func (d *desk) sell(amount string) *journal.Numbered {
	d.Helper()
	ers := d.pay(amount)
	return d.record(amount, ers)
}

func (d *desk) pay(amount string) (ers string) {
	d.Helper()
	sum, err := money.Parse(amount, "SEK")
	if err != nil {
		d.Fatal(err)
	}
	d.calls++
	sent, err := d.till.SendInvoice(d.Context(), invoiceOf(fmt.Sprint(d.calls), sum))
	if err != nil {
		d.Fatal(err)
	}
	if _, err := d.glase.Scan(d.Context(), glasetest.Scan{QR: sent.QRCode}); err != nil {
		d.Fatal(err)
	}
	if _, err := d.glase.Confirm(sent.Reference, "1234"); err != nil {
		d.Fatal(err)
	}
	status, err := d.till.GetPaymentStatus(d.Context(), sent.Reference, 0)
	if err != nil || status.ErsReference == "" {
		d.Fatalf("%+v, %v", status, err)
	}
	return status.ErsReference
}

func invoiceOf(id string, sum money.Amount) glase.Invoice {
	return glase.Invoice{PaymentMode: glase.ImmediateDebit, Title: "test", ClientInvoiceID: id, IssueDate: time.Now(),
		Total: sum, Rows: []glase.InvoiceRow{{Description: "product", Quantity: 1, Total: sum}}}
}

// record is a sale that is over.
func (d *desk) record(amount, ers string) *journal.Numbered {
	n := int64(10 * (len(d.sales) + 1))
	d.sales = append(d.sales, journal.Numbered{First: n, Last: n + 9, Sale: journal.Sale{
		ID: fmt.Sprint("s", len(d.sales)+1), State: "charged", Currency: "SEK", Charged: amount, Refunded: "0.00",
		ErsReference: ers, Started: time.Now(), Ended: time.Now(),
		Items: []journal.Item{{Slot: "A1", Name: "Cola", Price: amount, Outcome: "delivered", Charged: true, VAT: 12}},
	}})
	return &d.sales[len(d.sales)-1]
}

// report has the books closed, and gives what came of it.
func (d *desk) report(w Wish) api.Report {
	d.Helper()
	b := New(d.config)
	ctx, stop := context.WithCancel(d.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	if err := b.Begin(w); err != nil {
		d.Fatal(err)
	}
	if err := b.Begin(w); !errors.Is(err, ErrRunning) {
		d.Errorf("a second one beside it: %v", err)
	}
	for {
		time.Sleep(time.Second)
		synctest.Wait()
		if r, ok := b.Report(); ok && (r.Step == api.ReportDone || r.Step == api.ReportFailed) {
			stop()
			<-ended
			return r
		}
	}
}

// wants compares the verdicts: "s1 settled, s2 doubled".
func (d *desk) wants(r api.Report, want string) {
	d.Helper()
	var got []string
	for _, v := range r.Sales {
		who := v.Sale
		if who == "" {
			who = "?"
		}
		got = append(got, who+" "+v.Verdict)
	}
	if got := strings.Join(got, ", "); got != want || r.Problem != "" || r.Step != api.ReportDone {
		d.Errorf("%q, want %q: %s %s %+v", got, want, r.Step, r.Problem, r.Sales)
	}
}

func TestAPeriodIsBalanced(t *testing.T) {
	play(t, func(d *desk) {
		d.sell("15.00")
		d.sell("22.50")
		r := d.report(Wish{By: "anna"})
		d.wants(r, "s1 settled, s2 settled")
		if !r.Settled() || r.Verdicts[Settled] != 2 || r.By != "anna" || r.Period == "" || r.Number != 1 ||
			len(r.Notes) > 0 {
			d.Errorf("%+v", r)
		}
		d.sell("7.00")
		d.record("9.00", "nobody-at-glase-knows")
		d.pay("11.00")
		r = d.report(Wish{By: "anna"})
		d.wants(r, "s3 settled, s4 missing_at_glase, ? missing_here")
		if r.Settled() || r.Number != 2 {
			d.Errorf("%+v", r)
		}
		if want := (api.Sold{Slot: "A1", Name: "Cola", Price: "9.00", Currency: "SEK", Number: 2, Value: "16.00",
			TotalNumber: 4, TotalValue: "53.50"}); len(r.Sold) != 1 || r.Sold[0] != want {
			d.Errorf("sold %+v, want %+v", r.Sold, want)
		}
		d.wants(d.report(Wish{}), "")
	})
}

// TestARefundIsBalancedInThePeriodThatItIsMadeIn: the sale's own was closed before.
func TestARefundIsBalancedInThePeriodThatItIsMadeIn(t *testing.T) {
	play(t, func(d *desk) {
		s := d.sell("15.00")
		d.wants(d.report(Wish{}), "s1 settled")
		back, _ := money.Parse("5.00", "SEK")
		if _, err := d.till.RefundPayment(d.Context(), s.ErsReference, invoiceOf("r", back), false); err != nil {
			d.Fatal(err)
		}
		s.Refunded, s.Last = "5.00", s.Last+100
		r := d.report(Wish{})
		d.wants(r, "s1 settled")
		if v := r.Sales[0]; v.Here != "10.00" || v.Glase != "10.00" {
			d.Errorf("%+v", v)
		}
		if r.Sold[0].Number != 0 || r.Sold[0].TotalNumber != 1 {
			d.Errorf("a sale is counted twice: %+v", r.Sold)
		}
	})
}

// TestASaleThatIsOnAtTheMarkIsBalancedInTheNextPeriod: Glase's row came in this one.
func TestASaleThatIsOnAtTheMarkIsBalancedInTheNextPeriod(t *testing.T) {
	play(t, func(d *desk) {
		s := d.sell("15.00")
		s.Ended, s.Last, s.State = time.Time{}, s.First, "open"
		d.wants(d.report(Wish{}), "")
		s.Ended, s.Last, s.State = time.Now(), 99, "charged"
		d.wants(d.report(Wish{}), "s1 settled")

		s = d.sell("22.50")
		ers := s.ErsReference
		s.Ended, s.Last, s.State, s.ErsReference = time.Time{}, s.First, "open", "" // Glase has not told it yet
		d.wants(d.report(Wish{}), "")
		s.Ended, s.Last, s.State, s.ErsReference = time.Now(), 199, "charged", ers
		d.wants(d.report(Wish{}), "s2 settled")
	})
}

// TestTheSalesOfAnotherTerminalAreNotMissing: the machine was registered anew.
func TestTheSalesOfAnotherTerminalAreNotMissing(t *testing.T) {
	play(t, func(d *desk) {
		d.config.Terminal = "before"
		d.config.Open = func(func(string, int, error)) (Glase, error) { return empty{}, nil }
		d.wants(d.report(Wish{}), "")
		d.record("15.00", "ers-of-the-old-one")
		d.config.Terminal = "now"
		d.wants(d.report(Wish{}), "s1 unknown")
		d.record("15.00", "ers-of-the-new-one")
		d.wants(d.report(Wish{}), "s2 missing_at_glase")
	})
}

// TestAMachineThatSellsInAnotherCurrencyNow: öre are no yen, and nothing is added up that is not the same.
func TestAMachineThatSellsInAnotherCurrencyNow(t *testing.T) {
	play(t, func(d *desk) {
		d.config.Open = func(func(string, int, error)) (Glase, error) { return empty{}, nil }
		s := d.record("15.25", "ers")
		d.wants(d.report(Wish{}), "s1 missing_at_glase")
		s.Last += 100 // something went back
		d.record("15.25", "ers-2")
		d.config.Currency = "JPY"
		r := d.report(Wish{})
		if d.wants(r, "s1 unknown, s2 unknown"); len(r.Sold) != 0 {
			d.Errorf("sold %+v", r.Sold)
		}
	})
}

// empty is a Glase without sales, whose reports name no terminal.
type empty struct{}

func (empty) MarkTransactionPeriod(context.Context, ...glase.Parameter) (string, error) {
	return "p", nil
}
func (empty) ExecuteReport(context.Context, glase.ReportRequest) (glase.Report, error) {
	return glase.Report{Content: []byte(
		"<TransactionDetails><Meta><TransactionPeriodId>p</TransactionPeriodId></Meta></TransactionDetails>")}, nil
}
func (empty) Close() {}

func TestAReportWaitsForTheSaleThatIsOn(t *testing.T) {
	play(t, func(d *desk) {
		d.busy.Store(true)
		time.AfterFunc(30*time.Second, func() { d.busy.Store(false) })
		began := time.Now()
		if d.wants(d.report(Wish{}), ""); time.Since(began) < 30*time.Second {
			d.Error("it did not wait")
		}
		d.busy.Store(true)
		if r := d.report(Wish{}); r.Step != api.ReportFailed || !strings.Contains(r.Problem, "try again") {
			d.Errorf("%+v", r)
		}
	})
}

// trouble is a fault at one of Glase's operations, so many times; none ends all.
func (d *desk) trouble(faults ...glasetest.Fault) {
	d.Helper()
	if err := d.glase.SetFaults(glasetest.Faults{Rules: faults}); err != nil {
		d.Fatal(err)
	}
}

func lostMarks(count int) glasetest.Fault {
	return glasetest.Fault{Operation: markOperation, Fault: "lost_answer", Count: count}
}

func notReady() glasetest.Fault {
	code := glasetest.ReportNotReady
	return glasetest.Fault{Operation: "executeReport", Fault: "result_code", Code: &code}
}

// TestAPeriodWhoseNumberWasNotHeardMakesNobodyAThief: the sales in it stand as unknown, and not as missing.
func TestAPeriodWhoseNumberWasNotHeardMakesNobodyAThief(t *testing.T) {
	play(t, func(d *desk) {
		d.sell("15.00")
		d.trouble(lostMarks(1)) // the client marks again, and the second one is empty
		d.wants(d.report(Wish{}), "s1 unknown")
		d.sell("7.00")
		d.trouble(lostMarks(20))
		r := d.report(Wish{})
		if r.Step != api.ReportFailed || !strings.Contains(r.Problem, "not heard") {
			d.Fatalf("%+v", r)
		}
		d.trouble()
		d.wants(d.report(Wish{}), "s2 unknown")
		d.sell("8.00")
		d.wants(d.report(Wish{}), "s3 settled")
	})
}

// TestTheShopsReportIsASecondPlaceToLook.
func TestTheShopsReportIsASecondPlaceToLook(t *testing.T) {
	play(t, func(d *desk) {
		d.sell("15.00")
		d.trouble(lostMarks(1))
		r := d.report(Wish{Shop: true})
		if d.wants(r, "s1 settled"); r.ShopPeriod == "" {
			d.Errorf("%+v", r)
		}
	})
}

// TestAPeriodWhoseReportNeverComesIsAskedForAgain: and it is left only when somebody says so.
func TestAPeriodWhoseReportNeverComesIsAskedForAgain(t *testing.T) {
	play(t, func(d *desk) {
		d.sell("15.00")
		d.trouble(notReady())
		first := d.report(Wish{})
		if first.Step != api.ReportFailed || !strings.Contains(first.Problem, "likely") ||
			!strings.Contains(first.Problem, "--anew") {
			d.Fatalf("%+v", first)
		}
		d.sell("7.00") // in the next period
		d.trouble()
		r := d.report(Wish{})
		if d.wants(r, "s1 settled"); r.Period != first.Period || r.Number != first.Number {
			d.Errorf("%+v", r)
		}
		d.wants(d.report(Wish{}), "s2 settled")

		d.sell("8.00")
		d.trouble(notReady())
		d.report(Wish{})
		d.trouble()
		d.wants(d.report(Wish{Anew: true}), "s3 unknown")
	})
}

// TestNothingIsAskedOfGlaseThatCannotBeKept: the books' folder takes nothing.
func TestNothingIsAskedOfGlaseThatCannotBeKept(t *testing.T) {
	play(t, func(d *desk) {
		d.sell("15.00")
		if err := os.WriteFile(d.config.Folder, nil, 0o600); err != nil {
			d.Fatal(err)
		}
		if r := d.report(Wish{}); !strings.Contains(r.Problem, "nothing was asked") {
			d.Fatalf("%+v", r)
		}
		if err := os.Remove(d.config.Folder); err != nil {
			d.Fatal(err)
		}
		d.wants(d.report(Wish{}), "s1 settled")
	})
}

// TestAReportOfAnotherTerminalOrPeriodIsRefused: an answer that is meant for somebody else.
func TestAReportOfAnotherTerminalOrPeriodIsRefused(t *testing.T) {
	for _, swap := range []string{"<TerminalId>", "<TransactionPeriodId>"} {
		play(t, func(d *desk) {
			d.sell("15.00")
			d.line = swapped{d.line, swap}
			if r := d.report(Wish{}); r.Step != api.ReportFailed || !strings.Contains(r.Problem, "another") {
				d.Errorf("%s: %+v", swap, r)
			}
		})
	}
}

// TestAClosingThatAStopInterruptsIsGoneOnWith: at each of its waits.
func TestAClosingThatAStopInterruptsIsGoneOnWith(t *testing.T) {
	for after := range 9 {
		play(t, func(d *desk) {
			d.sell("15.00")
			ctx, stop := context.WithCancel(d.Context())
			b := New(d.config)
			go b.Run(ctx)
			if err := b.Begin(Wish{}); err != nil {
				d.Fatal(err)
			}
			time.Sleep(time.Duration(after) * 500 * time.Millisecond)
			stop()
			synctest.Wait()
			d.sell("7.00")
			r, _ := New(d.config).Report()
			if r.Step != api.ReportDone && r.Step != api.ReportFailed && r.Step != "" {
				d.Errorf("after %d it stands as %s", after, r.Step)
			}
			first, second := d.report(Wish{}), d.report(Wish{})
			got := fmt.Sprint(r.Verdicts, first.Verdicts, second.Verdicts)
			if n := r.Verdicts[Settled] + first.Verdicts[Settled] + second.Verdicts[Settled]; n != 2 {
				d.Errorf("after %d: %s, %s, %s", after, got, first.Problem, second.Problem)
			}
		})
	}
}

// TestAFileThatIsNoReportIsLeftOut.
func TestAFileThatIsNoReportIsLeftOut(t *testing.T) {
	play(t, func(d *desk) {
		d.sell("15.00")
		d.report(Wish{})
		for name, text := range map[string]string{"report-000002.json": "{", "report-000003.json": `{"number":1}`} {
			if err := os.WriteFile(filepath.Join(d.config.Folder, name), []byte(text), 0o600); err != nil {
				d.Fatal(err)
			}
		}
		d.sell("7.00")
		if r := d.report(Wish{}); r.Number != 2 {
			d.Errorf("%+v", r)
		} else {
			d.wants(r, "s2 settled")
		}
	})
}

// swapped is a line on which reports come with another's word in an element.
type swapped struct {
	http.RoundTripper
	element string
}

func (s swapped) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err != nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return res, err
	}
	text := string(body)
	if _, content, ok := strings.Cut(text, "<content>"); ok {
		content, _, _ = strings.Cut(content, "</content>")
		doc, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			return res, err
		}
		other := strings.ReplaceAll(string(doc), s.element, s.element+"other")
		text = strings.Replace(text, content, base64.StdEncoding.EncodeToString([]byte(other)), 1)
	}
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	res.Header.Set("Content-Length", fmt.Sprint(len(text)))
	return res, nil
}
