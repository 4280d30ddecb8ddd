package glase

import (
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	ops := []string{"getPaymentStatus", "sendInvoice", "executeReport", "refundPayment"}
	for _, op := range ops {
		f.Add([]byte(success(op)))
		f.Add([]byte(result(op, 93)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, op := range ops {
			a, err := open(op, b)
			if err != nil {
				continue
			}
			code := a.number("resultCode")
			a.paymentStatus()
			a.report()
			if a.err != nil || code != CodeSuccess {
				continue
			}
			// Whatever counts as a success must be one for encoding/xml too.
			n, err := operationOf(string(b))
			if err != nil {
				// It wants no text beside the elements of an envelope, and knows which letters beyond ASCII are
				// letters.
				if ascii(b) {
					t.Fatalf("success for us, and %v for encoding/xml: %q", err, b)
				}
				continue
			}
			if got := strings.Trim(n.find("return", "resultCode"), whiteSpace); strings.Trim(got, "+-0") != "" {
				t.Fatalf("success for us, and code %q for encoding/xml: %q", got, b)
			}
		}
	})
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func FuzzEncode(f *testing.F) {
	f.Add("Coke", "sale-17", "a\r\nb", "]]>")
	f.Add("<&>\"'", "\x00", "\ufffe", "\xff\xfe")
	f.Add("𝄞", " ", "&#13;", "<![CDATA[")
	f.Fuzz(func(t *testing.T, title, id, footer, description string) {
		c, err := New(config(always(200, "")))
		if err != nil {
			t.Fatal(err)
		}
		v := simpleInvoice()
		v.Title, v.ClientInvoiceID, v.Footer, v.Rows[0].Description = title, id, footer, description
		e := c.request(&opSend)
		e.invoice(&v, false)
		b, err := e.finish()
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		n, err := operationOf(string(b))
		if err != nil {
			t.Fatalf("%v: %q", err, b)
		}
		ours, err := parse(b) // Envelope, Body, operation
		if err != nil {
			t.Fatalf("%v: %q", err, b)
		}
		for path, want := range map[string]string{"title": title, "clientInvoiceId": id, "footer": footer,
			"invoiceRows/invoiceRow/itemDescription": description} {
			steps := append([]string{"invoice"}, strings.Split(path, "/")...)
			if got := n.find(steps...); got != want {
				t.Fatalf("%s: %q came out as %q", path, want, got)
			}
			if got := textAt(ours, steps...); got != want {
				t.Fatalf("%s: %q came out as %q for ourselves", path, want, got)
			}
		}
		if err := xml.Unmarshal(b, new(tree)); err != nil {
			t.Fatal(err)
		}
	})
}

// textAt is the text of a descendant, untrimmed.
func textAt(nodes []node, path ...string) string {
	a := &answer{nodes: nodes, at: 2}
	for _, name := range path {
		if a = a.child(name); a.at == absent {
			return ""
		}
	}
	return string(a.nodes[a.at].text)
}
