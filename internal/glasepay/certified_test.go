package glasepay

import (
	"bytes"
	"context"
	"flag"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/fsm"
	"kioskd/glase"
	"kioskd/internal/identity"
	"kioskd/internal/money"
	"kioskd/internal/terminal"
)

const certifyAgain = "Glase asks for a new certification when the use of the API changes: certify again " +
	"(kioskd certify …), then go test ./internal/glasepay -run TestCertifiedRequests -update"

var update = flag.Bool("update", false, "the requests were certified anew: take them for right")

// caught keeps the requests that would go to Glase, and answers each with a success that has whatever it may need.
type caught struct{ sent []string }

func (c *caught) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.sent = append(c.sent, string(body))
	op := operationIn.FindStringSubmatch(string(body))[1]
	answer := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><g:` + op + `Response ` +
		`xmlns:g="http://external.interfaces.ers.seamless.com/"><return><resultCode>0</resultCode>` + facts[op] +
		`</return></g:` + op + `Response></s:Body></s:Envelope>`
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK",
		Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(bytes.NewReader([]byte(answer))),
		ContentLength: int64(len(answer)), Request: r}, nil
}

var (
	operationIn = regexp.MustCompile(`<g:(\w+) `)
	facts       = map[string]string{
		"sendInvoice":           "<invoiceReference>1397222701693</invoiceReference>",
		"getPaymentStatus":      "<status>ISSUED</status><version>0</version>",
		"registerTerminal":      "<terminalId>terminal-1</terminalId>",
		"markTransactionPeriod": "<transactionPeriodId>period-1</transactionPeriodId>",
		"executeReport":         "<report><contentString>x</contentString></report>",
	}
)

// calls are all that the daemon and its commands ask of Glase, with the same inputs each time. Where the way to sell
// makes another request, each way has its own.
func calls(t *testing.T, reseller, ours *glase.Client) map[string]func(context.Context) error {
	at := time.Date(2026, 5, 4, 12, 30, 0, 0, time.UTC)
	pay := Service{
		Client: ours, Terminal: "terminal-1", Name: "Lobby", Language: "en", Timezone: time.UTC,
		PublicURL: "https://kiosk.example/seqr", Wall: func() time.Time { return at },
		Heard: func(err error) error { return err },
	}
	kr := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: "SEK"} }
	items := []fsm.Item{
		{ID: "1", Slot: "A1", Name: "Still water 50 cl", Price: kr(1500), VAT: 12, EAN: "7310865004703",
			Outcome: fsm.Delivered},
		{ID: "2", Slot: "B2", Name: "Nuts & raisins", Price: kr(2050), Outcome: fsm.Delivered},
	}
	call := func(c fsm.Call) func(context.Context) error {
		return func(ctx context.Context) error {
			c.Sale, c.Number = "7GQ2K4MX", 1
			if a := pay.Call(ctx, c); a.Result.Kind != fsm.Done {
				t.Errorf("%s: %+v", c.Operation, a.Result)
			}
			return nil
		}
	}
	send := func(f fsm.Flow) func(context.Context) error {
		c := fsm.Call{Operation: fsm.SendInvoice, ClientInvoiceID: "0123456789ABCDEF", Secret: "secret", Flow: f,
			Total: kr(3550), Items: items}
		if f == fsm.Reservation {
			c.Total, c.Items, c.ReservationTimeout = kr(20000), nil, 10*time.Minute
		}
		return call(c)
	}
	const reference, ers = "1397222701693", "2012050100000000000000001"
	life := terminal.Life{Path: filepath.Join(t.TempDir(), "identity.json"),
		Client: func(i identity.Identity) (*glase.Client, error) {
			if i.TerminalID == "" {
				return reseller, nil
			}
			return ours, nil
		}}
	registered := life
	registered.Given = identity.Identity{TerminalID: "terminal-1", Password: identity.NewSecret("terminal-password")}
	kept := life
	kept.Path = filepath.Join(t.TempDir(), "kept.json")
	if err := identity.Save(kept.Path, registered.Given); err != nil {
		t.Fatal(err)
	}
	return map[string]func(context.Context) error{
		"sendInvoice.reservation": send(fsm.Reservation),
		"sendInvoice.sticker":     send(fsm.Sticker),
		"sendInvoice.invoice":     send(fsm.InvoiceQR),
		"sendInvoice.web":         send(fsm.Web),
		"getPaymentStatus": call(fsm.Call{Operation: fsm.AskStatus, ClientInvoiceID: "0123456789ABCDEF",
			Reference: reference, Version: 2}),
		"updateInvoice": call(fsm.Call{Operation: fsm.UpdateInvoice, Reference: reference, Total: kr(3550),
			Items: items}),
		"commitReservation": call(fsm.Call{Operation: fsm.CommitReservation, Reference: reference, Total: kr(3550),
			Items: items}),
		"cancelInvoice": call(fsm.Call{Operation: fsm.CancelInvoice, Reference: reference}),
		"refundPayment": call(fsm.Call{Operation: fsm.RefundPayment, ClientInvoiceID: "0123456789ABCDEFR",
			ErsReference: ers, Total: kr(2050)}),
		"submitPaymentReceipt": call(fsm.Call{Operation: fsm.SubmitReceipt, ErsReference: ers, Total: kr(3550),
			Items: items}),
		"registerTerminal": func(ctx context.Context) error {
			_, err := life.Register(ctx, terminal.Registration{ExternalID: "lobby-7", Name: "Lobby",
				Password: "terminal-password"})
			return err
		},
		"assignSeqrId": func(ctx context.Context) error { return registered.Assign(ctx, "ABC123") },
		"unregisterTerminal": func(ctx context.Context) error {
			_, err := kept.Unregister(ctx)
			return err
		},
		"markTransactionPeriod, executeReport": func(ctx context.Context) error {
			_, err := terminal.CloseRegister(ctx, reseller, "terminal-1")
			return err
		},
		"markTransactionPeriod.shop": func(ctx context.Context) error {
			_, err := terminal.Mark(ctx, reseller, "")
			return err
		},
		"executeReport.details":      report(reseller, glase.ReportTerminalDetails, "terminal-1"),
		"executeReport.shop":         report(reseller, glase.ReportShop, ""),
		"executeReport.shop_details": report(reseller, glase.ReportShopDetails, ""),
	}
}

// report asks for a report of a period, as the books do.
func report(reseller *glase.Client, id, terminalID string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := terminal.Report(ctx, reseller, id, "period-1", terminalID)
		return err
	}
}

// requests makes every call, and gives what was sent of each by its name.
func requests(t *testing.T) map[string]string {
	all := map[string]string{}
	synctest.Test(t, func(t *testing.T) { // a report's 3 s pass at once
		line := &caught{}
		client := func(c glase.Config) *glase.Client {
			c.Endpoint, c.ClientID, c.Transport = "http://glase.test/soap", "Bar AB", line
			c.NewReference = func() string { return "kioskd-0.2.0-0123456789ABCDEF" }
			made, err := glase.New(c)
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		reseller := client(glase.Config{Reseller: &glase.Reseller{ID: "reseller", UserID: "9900",
			Password: "reseller-password"}})
		ours := client(glase.Config{TerminalID: "terminal-1", Password: "terminal-password"})
		for names, do := range calls(t, reseller, ours) {
			line.sent = nil
			if err := do(t.Context()); err != nil {
				t.Errorf("%s: %v", names, err)
			}
			each := strings.Split(names, ", ")
			if len(line.sent) != len(each) {
				t.Fatalf("%s sent %d requests", names, len(line.sent))
			}
			for n, name := range each {
				all[name] = line.sent[n]
			}
		}
	})
	return all
}

// TestCertifiedRequests holds every request to what Glase has certified: a change that is meant needs a new
// certification, and one that is not meant must not get out.
func TestCertifiedRequests(t *testing.T) {
	got := requests(t)
	for _, name := range slices.Sorted(maps.Keys(got)) {
		// A line for each element, so that a difference can be read. We send no line breaks.
		text := strings.ReplaceAll(got[name], "><", ">\n<") + "\n"
		file := filepath.Join("testdata", "certified", name+".xml")
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || text != string(want) {
			t.Errorf("%s is not the request that was certified (%v).\n%s.\n\nIt was\n%s\nand is\n%s", name, err, certifyAgain,
				want, text)
		}
	}
	kept, err := filepath.Glob("testdata/certified/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range kept {
		if name := strings.TrimSuffix(filepath.Base(file), ".xml"); got[name] == "" {
			t.Errorf("nobody sends %s any more.\n%s, and delete %s", name, certifyAgain, file)
		}
	}
}

// TestEveryOperationIsCertified: an operation that the client learns has no request that was certified, until it is
// here.
func TestEveryOperationIsCertified(t *testing.T) {
	here := map[string]bool{}
	for name, sent := range requests(t) {
		op := operationIn.FindStringSubmatch(sent)[1]
		if here[strings.ToLower(op)] = true; strings.Split(name, ".")[0] != op {
			t.Errorf("%s is a request of %s", name, op)
		}
	}
	client := reflect.TypeFor[*glase.Client]()
	for n := range client.NumMethod() {
		name := client.Method(n).Name
		if name != "Close" && !here[strings.ToLower(name)] {
			t.Errorf("%s has no certified request: make its call here", name)
		}
	}
	if len(here) != client.NumMethod()-1 || len(here) != 12 {
		t.Errorf("%d operations, and the client has %d", len(here), client.NumMethod()-1)
	}
}
