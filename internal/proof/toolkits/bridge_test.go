package toolkits

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"kioskd/internal/proof/child"
)

var toolkitsFlag = flag.Bool("toolkits", false, "talk to SOAP toolkits, which must be installed: make toolkits")

func needToolkits(t *testing.T) {
	if !*toolkitsFlag {
		t.Skip("needs Python, PHP and Node with their SOAP toolkits: make toolkits installs and runs it")
	}
}

const patience = 30 * time.Second // for an answer of a toolkit, its start included

// program starts a program that ends with the test, and gives its standard input and output.
func program(t *testing.T, env []string, name string, args ...string) (io.Writer, *bufio.Scanner) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout = w
	started, err := child.Start(c, syscall.SIGKILL)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		started.Kill()
		out.Close()
		if t.Failed() {
			t.Logf("%s said:\n%.3000s", name, complaints.String())
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return in, lines
}

// simulator is a glasesim process.
type simulator struct {
	t    *testing.T
	base string
}

var listening = regexp.MustCompile(`listening on (\S+)`)

// startSimulator builds and starts one that takes nothing but what the schema allows.
func startSimulator(t *testing.T) simulator {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "glasesim")
	if out, err := exec.Command("go", "build", "-o", binary, "kioskd/cmd/glasesim").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, lines := program(t, nil, binary, "--listen", "127.0.0.1:0", "--strict")
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() { // its log, which nobody needs
				for lines.Scan() {
				}
			}()
			return simulator{t, "http://" + strings.TrimPrefix(m[1], "http://")}
		}
	}
	t.Fatal("glasesim does not listen")
	panic("not reached")
}

func (s simulator) wsdl() string { return s.base + "/soap/merchant/cashregister-2?wsdl" }

// post asks the phone, or gets with an empty body.
func (s simulator) ask(path, body string, into any) {
	s.t.Helper()
	client := http.Client{Timeout: patience}
	var r *http.Response
	var err error
	if body == "" {
		r, err = client.Get(s.base + path)
	} else {
		r, err = client.Post(s.base+path, "application/json", strings.NewReader(body))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
}

// pay is the customer: scan and PIN.
func (s simulator) pay(qr string) {
	s.t.Helper()
	var invoice, done struct{ InvoiceReference, ErrorCode string }
	s.ask("/phone/scan", fmt.Sprintf(`{"qr": %q}`, qr), &invoice)
	if invoice.InvoiceReference == "" {
		s.t.Fatalf("the phone does not find %s: %s", qr, invoice.ErrorCode)
	}
	s.ask("/phone/confirm", fmt.Sprintf(`{"invoiceReference": %q, "pin": "1234"}`, invoice.InvoiceReference), &done)
	if done.ErrorCode != "" {
		s.t.Fatalf("the phone cannot confirm: %s", done.ErrorCode)
	}
}

// ledger is the movements of money of one invoice, a word each.
func (s simulator) ledger(reference string) string {
	s.t.Helper()
	var all []struct{ InvoiceReference, Kind, Amount string }
	s.ask("/ledger", "", &all)
	var moves []string
	for _, m := range all {
		if m.InvoiceReference == reference {
			moves = append(moves, m.Kind+" "+m.Amount)
		}
	}
	return strings.Join(moves, ", ")
}

// bridge is a toolkit's client.
type bridge struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// result is what a call gave: the fields of return.
type result map[string]any

// ask makes a call, and fails the test when there is no answer that the toolkit understands.
func (b bridge) ask(op string, args any) result {
	b.t.Helper()
	line, err := json.Marshal(struct {
		Op   string `json:"op"`
		Args any    `json:"args"`
	}{op, args})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(line, '\n')); err != nil {
		b.t.Fatalf("%s: the toolkit is gone: %v", op, err)
	}
	late := time.AfterFunc(patience, func() { panic("no answer to " + op) })
	defer late.Stop()
	if !b.out.Scan() {
		b.t.Fatalf("%s: the toolkit ended: %v", op, b.out.Err())
	}
	var answer struct {
		Return       result
		Fault, Error string
	}
	if err := json.Unmarshal(b.out.Bytes(), &answer); err != nil || answer.Return == nil {
		b.t.Fatalf("%s: %.1000s", op, b.out.Text())
	}
	return answer.Return
}

// code makes a call that must end with this result code.
func (b bridge) code(want int, op string, args any) result {
	b.t.Helper()
	r := b.ask(op, args)
	if got := r.text("resultCode"); got != fmt.Sprint(want) {
		b.t.Fatalf("%s: code %s %s, want %d", op, got, r.text("resultDescription"), want)
	}
	return r
}

// text is a field, or a field of a field, as text; "" when it is not there.
func (r result) text(path string) string {
	v := any(map[string]any(r))
	for name := range strings.SplitSeq(path, ".") {
		fields, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = fields[name]
	}
	if v == nil {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(v))
}
