package glase

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has used, on all its threads.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkStatus compares a whole status call, client and server together, with posting the same bytes through
// net/http and not looking at the answer. The two take turns, so that what else the machine does hits both. The budget
// for cpu/prebuilt is 1.3.
func BenchmarkStatus(b *testing.B) {
	answer := []byte(fixture(b, "status_issued.xml"))
	c, s := served(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(answer)
	}))
	e := c.request(&opStatus)
	e.text("invoiceReference", "20170315072260070", idMax)
	e.number("invoiceVersion", 1)
	prebuilt, err := e.finish()
	if err != nil {
		b.Fatal(err)
	}
	plain := &http.Client{Transport: newConnections(nil)}
	defer plain.CloseIdleConnections()
	const turn = 100 // calls of each kind before the other's turn
	var ours, theirs, encodingXML time.Duration
	post := func(look func([]byte)) {
		resp, err := plain.Post(s.URL, "text/xml; charset=utf-8", bytes.NewReader(prebuilt))
		if err != nil {
			b.Fatal(err)
		}
		if look == nil {
			io.Copy(io.Discard, resp.Body)
		} else {
			body, _ := io.ReadAll(resp.Body)
			look(body)
		}
		resp.Body.Close()
	}
	calls := 0
	for b.Loop() {
		start := cpu(b)
		for range turn {
			if _, err := c.GetPaymentStatus(b.Context(), "20170315072260070", 1); err != nil {
				b.Fatal(err)
			}
		}
		ours += cpu(b) - start
		start = cpu(b)
		for range turn {
			post(nil)
		}
		theirs += cpu(b) - start
		start = cpu(b)
		for range turn {
			post(func(body []byte) {
				if err := xml.Unmarshal(body, new(tree)); err != nil {
					b.Fatal(err)
				}
			})
		}
		encodingXML += cpu(b) - start
		calls += turn
	}
	b.ReportMetric(float64(ours)/float64(theirs), "cpu/prebuilt")
	b.ReportMetric(float64(encodingXML)/float64(theirs), "encodingxml/prebuilt")
	b.ReportMetric(float64(ours)/float64(calls), "cpu-ns/call")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkEncode(b *testing.B) {
	c := newClient(b, config(always(200, "")))
	v := fullInvoice()
	for b.Loop() {
		e := c.request(&opSend)
		e.invoice(&v, false)
		if _, err := e.finish(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(fixture(b, "status_issued.xml"))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		a, err := open("getPaymentStatus", body)
		if err != nil || a.paymentStatus().Status != Issued {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}
