package glasetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

// machine is a kiosk in as many lines: createPurchase makes a reservation.
func machine(t *testing.T, purchase func(s stranger, w http.ResponseWriter, body string)) stranger {
	var s stranger
	floor := shopFloor{notified: make(chan time.Time, 9), purchase: func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/seqr/createPurchase" ||
			r.Header.Get("Content-Type") != "application/json;charset=UTF-8" ||
			r.Header.Get("Accept") != "application/json" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		purchase(s, w, string(body))
	}}
	s = newStranger(t, glasetest.Config{Transport: glasetest.InProcess(floor),
		UPS: map[string]string{"123456": "http://kiosk.test/seqr/createPurchase"}})
	return s
}

const machineQR = "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456"

func reserving(t *testing.T) stranger {
	return machine(t, func(s stranger, w http.ResponseWriter, body string) {
		ref := s.send(preliminary, "a", "50.00", "")
		fmt.Fprintf(w, `{"invoiceReferenceId": %q}`, ref)
	})
}

func TestAMachinesQRAsksTheKioskForAnInvoice(t *testing.T) {
	var asked string
	s := machine(t, func(s stranger, w http.ResponseWriter, body string) {
		asked = body
		fmt.Fprintf(w, `{"invoiceReferenceId": %q}`, s.send(preliminary, "a", "50.00", ""))
	})
	status, said := s.json("POST", "/phone/scan", `{"qr": "`+machineQR+
		`", "amount": "50.00", "currency": "SEK", "msisdn": "46700000002"}`)
	if asked != `{"token":"123456","amount":50.00,"currency":"SEK","msisdn":"46700000002"}` {
		t.Errorf("createPurchase said %s", asked)
	}
	if status != 200 || said["title"] != "Snacks" || said["totalAmount"] != "50.00" || said["status"] != "ISSUED" {
		t.Fatalf("HTTP %d %v", status, said)
	}
	ref := said["invoiceReference"].(string)
	if status, said := s.json("POST", "/phone/confirm",
		map[string]string{"invoiceReference": ref, "pin": "1234"}); status != 200 || said["status"] != "RESERVED" {
		t.Errorf("HTTP %d %v", status, said)
	}
	s.on("updateInvoice", ref, invoiceOf(preliminary, "", "15.00", ""))
	s.commit(ref, "15.00")
	status, said = s.json("GET", "/phone/invoices/"+ref, nil)
	if status != 200 || said["status"] != "PAID" || said["totalAmount"] != "15.00" || said["ersReference"] == "" ||
		said["chargedAmount"] != "15.00" || said["reservedAmount"] != "50.00" {
		t.Errorf("HTTP %d %v", status, said)
	}
	if rows := said["rows"].([]any); len(rows) != 1 || rows[0].(map[string]any)["totalAmount"] != "15.00" {
		t.Errorf("%v", said["rows"])
	}
	s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`"}`)
	if asked != `{"token":"123456","amount":200.00,"currency":"SEK","msisdn":"46700000001"}` {
		t.Errorf("unless told, createPurchase said %s", asked)
	}
	s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`", "amount": 7.5, "currency": "EUR"}`)
	if !strings.Contains(asked, `"amount":7.50,"currency":"EUR"`) {
		t.Errorf("createPurchase said %s", asked)
	}
}

func TestTheKiosksErrorReachesThePhone(t *testing.T) {
	for said, want := range map[string]string{
		`{"errorCode": "DEVICE_IN_USE"}`:   "DEVICE_IN_USE",
		`{"invoiceReferenceId": "123"}`:    glasetest.SystemFailure,
		`{}`:                               glasetest.SystemFailure,
		`<html>`:                           glasetest.SystemFailure,
		strings.Repeat(" ", 70_000) + `{}`: glasetest.SystemFailure,
	} {
		s := machine(t, func(_ stranger, w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, said) })
		if status, got := s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`"}`); status != 200 ||
			got["errorCode"] != want {
			t.Errorf("%.40s: HTTP %d %v", said, status, got)
		}
	}
	s := machine(t, func(_ stranger, w http.ResponseWriter, _ string) {
		w.WriteHeader(500)
		_, _ = io.WriteString(w, `{"errorCode": "X"}`)
	})
	if _, got := s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`"}`); got["errorCode"] != glasetest.SystemFailure {
		t.Errorf("%v", got)
	}
}

func TestUPSWaitsTenSecondsForAKiosk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(t, func(_ stranger, w http.ResponseWriter, _ string) { time.Sleep(11 * time.Second) })
		start := time.Now()
		_, got := s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`"}`)
		if got["errorCode"] != glasetest.SystemFailure || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", got, time.Since(start))
		}
		time.Sleep(time.Second)
	})
}

func TestCreatePurchaseCanBeDoubledLateOrLost(t *testing.T) {
	for fault, want := range map[string]struct {
		calls int
		code  any
		took  time.Duration
	}{`"doubled"`: {2, nil, 0}, `"missing"`: {0, glasetest.SystemFailure, 0},
		`"late", "delay": "5s"`: {1, nil, 5 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			s := machine(t, func(s stranger, w http.ResponseWriter, _ string) {
				calls++
				fmt.Fprintf(w, `{"invoiceReferenceId": %q}`, s.send(preliminary, "a", "50.00", ""))
			})
			s.json("POST", "/faults", `{"rules": [{"operation": "createPurchase", "fault": `+fault+`}]}`)
			start := time.Now()
			_, got := s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`"}`)
			if calls != want.calls || got["errorCode"] != want.code || time.Since(start) != want.took {
				t.Errorf("%s: %d calls, %v, %v", fault, calls, got, time.Since(start))
			}
		})
	}
}

func TestAnInvoicesOwnQRLeadsToIt(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	r := s.must("sendInvoice", asTerminal, invoiceOf(debit, "a", "15.00", ""))
	qr, ref := r.text("invoiceQRCode"), r.text("invoiceReference")
	if qr != "HTTP://SEQR.SE/R"+ref || ref == "" || strings.Trim(ref, "0123456789") != "" {
		t.Errorf("%s for %s", qr, ref)
	}
	for _, text := range []string{qr, strings.Replace(qr, "HTTP:", "seqr:", 1)} {
		if _, said := s.json("POST", "/phone/scan", map[string]string{"qr": text}); said["invoiceReference"] != ref {
			t.Errorf("%s: %v", text, said)
		}
	}
	for _, text := range []string{"", "15", "HTTP://SEQR.SE/R1", "HTTP://SEQR.SE/QX", "HTTP://SEQR.SE/",
		"HTTP://EXAMPLE.COM/R" + ref, "ftp://SEQR.SE/R" + ref,
		"HTTP://SEQR.SE/000/ups?w=a&t=unknown", machineQR} {
		if status, said := s.json("POST", "/phone/scan", map[string]string{"qr": text}); status != 200 ||
			said["errorCode"] != glasetest.UnknownQR {
			t.Errorf("%q: HTTP %d %v", text, status, said)
		}
	}
}

func TestThePhoneSaysWhyItCannotGoOn(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	ref := s.send(debit, "a", "15.00", "")
	post := func(path, pin string) (int, any) {
		body := map[string]string{"invoiceReference": ref}
		if pin != "" {
			body["pin"] = pin
		}
		status, said := s.json("POST", path, body)
		return status, said["errorCode"]
	}
	for _, pin := range []string{"123", "12345", "12a4", "١٢"} {
		if status, code := post("/phone/confirm", pin); status != 200 || code != glasetest.WrongPIN {
			t.Errorf("PIN %q: HTTP %d %v", pin, status, code)
		}
	}
	s.status(ref, glasetest.Issued)
	if _, code := post("/phone/confirm", "0000"); code != nil {
		t.Errorf("%v", code)
	}
	for _, path := range []string{"/phone/confirm", "/phone/cancel"} {
		pin := map[string]string{"/phone/confirm": "1234"}[path]
		if status, code := post(path, pin); status != 200 || code != glasetest.NotOpen {
			t.Errorf("%s of a paid invoice: HTTP %d %v", path, status, code)
		}
	}
	ref = "123"
	for _, path := range []string{"/phone/confirm", "/phone/cancel"} {
		if status, code := post(path, ""); status != 404 || code != glasetest.UnknownInvoice {
			t.Errorf("%s: HTTP %d %v", path, status, code)
		}
	}
	if status, said := s.json("GET", "/phone/invoices/123", nil); status != 404 ||
		said["errorCode"] != glasetest.UnknownInvoice {
		t.Errorf("HTTP %d %v", status, said)
	}
	for _, bad := range []string{`{"qr": 1}`, `{"code": "x"}`, `{"qr": "x", "amount": "1e2"}`,
		`{"qr": "x", "amount": "1", "currency": "KRO"}`, `{"qr": "` + strings.Repeat("x", 70_000) + `"}`} {
		if status, said := s.json("POST", "/phone/scan", bad); status != 400 || said["errorCode"] != "BAD_REQUEST" {
			t.Errorf("%.60s: HTTP %d %v", bad, status, said)
		}
	}
}

func TestTheLedgerCanBeRead(t *testing.T) {
	inTime(t, func(t *testing.T, s stranger) {
		read := func() (rows []map[string]any) {
			resp, err := s.http.Get("http://glase.test/ledger")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if err := json.NewDecoder(resp.Body).Decode(&rows); err != nil || rows == nil {
				t.Fatalf("no array: %v", err)
			}
			return rows
		}
		if rows := read(); len(rows) != 0 {
			t.Errorf("%v", rows)
		}
		ref := s.send(preliminary, "a", "50.00", "")
		s.pin(ref)
		s.commit(ref, "15.00")
		ers := s.ask(ref, 0).text("ersReference")
		s.refund(ers, "5.00")
		var got []string
		for _, m := range read() {
			got = append(got, fmt.Sprintln(m["seq"], m["kind"], m["amount"], m["currency"],
				m["invoiceReference"] == ref, m["ersReference"] == ers, m["why"] != "", m["terminalId"]))
		}
		want := []string{"1 reserve 50.00 SEK true false true public_test_shop_terminal\n",
			"2 charge 15.00 SEK true true true public_test_shop_terminal\n",
			"3 release 35.00 SEK true false true public_test_shop_terminal\n",
			"4 refund 5.00 SEK true false true public_test_shop_terminal\n"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestThePageNeedsNobodyElse(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	resp, err := s.http.Get("http://glase.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, _ := io.ReadAll(resp.Body)
	if !strings.HasPrefix(string(page), "<!DOCTYPE html>") ||
		!strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v: %.60s", resp.Header, page)
	}
	for _, word := range []string{"src=", "href=", "https://", "//cdn", "@import"} {
		if strings.Contains(string(page), word) {
			t.Errorf("the page has %q", word)
		}
	}
}

func TestReceiptsAreKept(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	ref, ers := s.paid("a", "15.00")
	s.must("submitPaymentReceipt", asTerminal, "<ersReference>"+ers+
		"</ersReference><receiptDocument><mimeType>text/html</mimeType><receiptData>PGI+</receiptData><receiptType>x</receiptType></receiptDocument>")
	if got := s.Receipts(ref); len(got) != 1 ||
		got[0] != (glasetest.Receipt{MimeType: "text/html", Type: "x", Data: "PGI+"}) {
		t.Errorf("%v", got)
	}
}

func TestNoSecretReachesTheLog(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	floor := shopFloor{purchase: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }}
	s := newStranger(t, glasetest.Config{Transport: glasetest.InProcess(floor),
		UPS: map[string]string{"123456": "http://kiosk.test/seqr/createPurchase"},
		Log: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			log.WriteString(line + "\n")
		}})
	s.json("POST", "/phone/scan", `{"qr": "`+machineQR+`", "msisdn": "46700000002"}`)
	s.paid("a", "15.00")
	s.call("cancelInvoice", contextOf("TERMINALID", glasetest.TestTerminal, "", "hush-hush"), "")
	s.must("registerTerminal", asReseller,
		"<externalTerminalId>7</externalTerminalId><password>hush-hush</password><name>Kiosk</name>")
	for _, secret := range []string{"46700000002", "12345678", "hush-hush"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), "charge 15.00 SEK") || !strings.Contains(log.String(), "cancelInvoice → 20") {
		t.Errorf("the log says little:\n%s", log.String())
	}
}

// TestManyAtOnce is for the race detector: customers, merchants, a reader and a technician at the same time.
func TestManyAtOnce(t *testing.T) {
	s := reserving(t)
	s.faulty(glasetest.Faults{Choices: glasetest.Choices{TestTerminal: "webshop"}})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for k := range 10 {
				ref := s.send(preliminary, fmt.Sprint(n, "/", k), "50.00",
					"<notificationUrl>http://kiosk.test/notify/x</notificationUrl>")
				s.pin(ref)
				s.commit(ref, "15.00")
				s.ask(ref, 0)
				s.Ledger()
				s.Faults()
				_, _ = s.Scan(t.Context(), glasetest.Scan{QR: machineQR})
			}
		})
	}
	all.Wait()
	paid := 0
	for _, m := range s.Ledger() {
		if m.Kind == glasetest.Charge {
			paid++
		}
	}
	if paid != 80 {
		t.Errorf("%d charges of 80", paid)
	}
}

func FuzzPhone(f *testing.F) {
	f.Add("/phone/scan", `{"qr": "`+machineQR+`", "amount": "50.00", "currency": "SEK", "msisdn": "46700000001"}`)
	f.Add("/phone/scan", `{"qr": "HTTP://SEQR.SE/Q%zz"}`)
	f.Add("/phone/confirm", `{"invoiceReference": "1", "pin": "1234"}`)
	f.Add("/phone/cancel", `{"invoiceReference": "1"}`)
	f.Add("/faults", `{"rules": [{"operation": "*", "fault": "latency", "delay": "2.5s", "probability": 0.1}]}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		switch path {
		case "/phone/scan", "/phone/confirm", "/phone/cancel", "/faults":
		default:
			return
		}
		s := newStranger(t, glasetest.Config{})
		if status, said := s.json("POST", path, body); status >= 500 || said == nil {
			t.Errorf("%s: HTTP %d %v", path, status, said)
		}
	})
}
