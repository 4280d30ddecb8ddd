package glasetest

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// soapMax bounds a request: an invoice of rowsMax rows takes about half of it.
const soapMax = 1 << 20

//go:embed cashregister-2.wsdl
var wsdl []byte

// wsdlAddress stands in the embedded interface where the address of this service belongs.
const wsdlAddress = "http://localhost:9090/ERSWSExternalClientServicePort"

// doer is one operation: who may call it, and what it does. do runs with the lock held and fills the answer in.
type doer struct {
	reseller bool // the reseller's user calls it, not a terminal
	do       func(caller, *node, *answer) *refusal
}

func (g *Glase) operations() map[string]doer {
	return map[string]doer{
		"sendInvoice":           {false, g.sendInvoice},
		"updateInvoice":         {false, g.updateInvoice},
		"getPaymentStatus":      {false, g.getPaymentStatus},
		"cancelInvoice":         {false, g.cancelInvoice},
		"commitReservation":     {false, g.commitReservation},
		"submitPaymentReceipt":  {false, g.submitPaymentReceipt},
		"refundPayment":         {false, g.refundPayment},
		"registerTerminal":      {true, g.registerTerminal},
		"unregisterTerminal":    {false, g.unregisterTerminal},
		"assignSeqrId":          {false, g.assignSeqrID},
		"markTransactionPeriod": {true, g.markTransactionPeriod},
		"executeReport":         {true, g.executeReport},
	}
}

// isOperation knows the twelve operations by name.
func isOperation(name string) bool {
	return oneOf("sendInvoice", "updateInvoice", "getPaymentStatus", "cancelInvoice", "commitReservation",
		"submitPaymentReceipt",
		"refundPayment", "registerTerminal", "unregisterTerminal", "assignSeqrId", "markTransactionPeriod",
		"executeReport")(name)
}

// isUnsupported knows the operations that the interface describes, and creditUser of a later release, which this
// service refuses with 91.
func isUnsupported(name string) bool {
	return oneOf("creditUser", "benchmarkingNop", "changePrincipalPassword", "confirmCustomerRegistration",
		"requestPrincipalInformation", "requestPurchase",
		"requestTopup", "requestTransfer")(name)
}

func (g *Glase) serveSOAP(w http.ResponseWriter, r *http.Request) {
	if _, asked := r.URL.Query()["wsdl"]; r.Method == http.MethodGet && (asked || r.URL.RawQuery == "WSDL") {
		serveWSDL(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "SOAP is posted; the interface is at ?wsdl", http.StatusMethodNotAllowed)
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "text/xml" {
		http.Error(w, "SOAP 1.1 is text/xml", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, soapMax))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		panic(http.ErrAbortHandler) // the caller went away in the middle
	}
	heard(r)
	root, err := parse(body)
	var op *node
	if err == nil {
		op, err = operation(root)
	}
	if err == nil && !isOperation(op.name.Local) && !isUnsupported(op.name.Local) {
		err = errors.New("no operation " + clip(op.name.Local))
	}
	if err == nil && g.cfg.Strict && isOperation(op.name.Local) {
		err = g.schema[op.name.Local].check(op)
	}
	if err == nil && g.cfg.Certify && isOperation(op.name.Local) {
		if err = certified(op); err != nil {
			err = fmt.Errorf("%s would not be certified: %w", op.name.Local, err)
		}
	}
	if err != nil {
		writeXML(w, http.StatusInternalServerError, faultEnvelope("Client", err.Error()))
		return
	}
	g.perform(w, op)
}

// perform does a well-formed operation, with what the faults make of it.
func (g *Glase) perform(w http.ResponseWriter, op *node) {
	name := op.name.Local
	leave := g.enter()
	g.calls[name]++
	slow, wrong := g.draw(name)
	leave()

	acts, ans := wrong == nil || wrong.Acts || slices.Contains(doneFirst, wrong.Fault), answer{}
	early := false
	for _, f := range slow {
		if f.Acts {
			early = true
		}
	}
	if acts && early {
		ans = g.act(op)
	}
	for _, f := range slow {
		if !g.wait(time.Duration(f.Delay)) {
			panic(http.ErrAbortHandler)
		}
	}
	if acts && !early {
		ans = g.act(op)
	}
	if wrong != nil && (wrong.Fault == otherAnswer || wrong.Fault == previousAnswer) {
		writeXML(w, http.StatusOK, g.mixUp(op, ans, wrong.Fault))
		return
	}
	if acts {
		g.give(op, ans)
	}
	if wrong == nil {
		writeXML(w, http.StatusOK, envelope(name, ans))
		return
	}
	g.spoil(w, name, ans, *wrong)
}

// act does the operation and says how it went.
func (g *Glase) act(op *node) answer {
	defer g.enter()()
	name, ans := op.name.Local, answer{}
	err := refuse(UnsupportedOperation, "not for merchants")
	if d, ok := g.doers[name]; ok {
		var c caller
		if c, err = g.authenticate(op); err == nil && (c.term == nil) != d.reseller {
			err = refuse(AccessDenied, "not for this kind of principal")
		}
		if err == nil {
			err = d.do(c, op, &ans)
		}
	}
	if err != nil {
		ans = answer{Code: err.code}
		g.logf("%s → %d %v", name, err.code, err)
	} else {
		g.logf("%s → 0", name)
	}
	ans.Description = ans.Code.String()
	return ans
}

// spoil answers as the fault wants it.
func (g *Glase) spoil(w http.ResponseWriter, op string, ans answer, f Fault) {
	switch f.Fault {
	case "lost_request", "lost_answer":
		panic(http.ErrAbortHandler)
	case "reset":
		reset(w)
	case "http":
		http.Error(w, http.StatusText(f.Status), f.Status)
	case "soap_fault":
		writeXML(w, http.StatusInternalServerError, faultEnvelope("Server", "a fault was asked for"))
	case "malformed":
		whole := envelope(op, ans)
		writeXML(w, http.StatusOK, whole[:len(whole)*2/3])
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w,
			"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Please accept our "+
				"terms.<br></body></html>")
	case unproven:
		writeXML(w, http.StatusOK, envelope(op, g.unprove(ans)))
	case "gzip":
		w.Header().Set("Content-Encoding", "gzip")
		writeXML(w, http.StatusOK, zipped(envelope(op, ans)))
	case "result_code":
		writeXML(w, http.StatusOK, envelope(op, answer{Code: *f.Code, Description: f.Code.String()}))
	}
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b) // a bytes.Buffer takes everything
	_ = w.Close()
	return z.Bytes()
}

// reset ends the connection with a TCP RST.
func reset(w http.ResponseWriter) {
	if p, ok := w.(interface{ reset() }); ok {
		p.reset() // in process there is no TCP
	} else if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

func serveWSDL(w http.ResponseWriter, r *http.Request) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	var address strings.Builder
	_ = xml.EscapeText(&address, []byte(scheme+r.Host+r.URL.Path)) // a strings.Builder never fails
	writeXML(w, http.StatusOK, bytes.Replace(wsdl, []byte(wsdlAddress), []byte(address.String()), 1))
}

func writeXML(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
