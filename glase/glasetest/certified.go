package glasetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// certified names the first thing about a request that Glase's certification would send back, though the service
// itself takes it. The service has no such check: clients of others, which are certified or not, do not keep all of it.
func certified(op *node) error {
	if err := certifiedContext(op.child("context")); err != nil {
		return err
	}
	switch op.name.Local {
	case "sendInvoice", "updateInvoice":
		return certifiedInvoice(op.child("invoice"))
	case "getPaymentStatus":
		return needs(op, "invoiceReference", "invoiceVersion")
	case "cancelInvoice", "commitReservation":
		return needs(op, "invoiceReference")
	case "submitPaymentReceipt":
		return certifiedReceipt(op)
	case "refundPayment":
		if err := needs(op, "ersReference"); err != nil {
			return err
		}
		return needs(op.child("invoice").child("totalAmount"), "value", "currency")
	case "registerTerminal":
		return needs(op, "externalTerminalId", "password", "name")
	case "assignSeqrId":
		return needs(op, "seqrId")
	case "executeReport":
		return needs(op, "reportId")
	}
	return nil
}

// needs is an error unless all of these are said.
func needs(n *node, names ...string) error {
	for _, name := range names {
		if n.value(name) == "" {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

// certifiedContext wants the company in clientId, product and version in clientReference, and no timeout.
func certifiedContext(context *node) error {
	if err := needs(context, "channel", "clientId", "clientReference"); err != nil {
		return err
	}
	reference := context.value("clientReference")
	switch {
	case context.value("clientRequestTimeout") != "0":
		return errors.New("clientRequestTimeout is not 0")
	case len([]rune(reference)) > referenceMax:
		return fmt.Errorf("clientReference is longer than %d characters", referenceMax)
	case !strings.ContainsFunc(reference, unicode.IsLetter):
		return errors.New("clientReference names no product")
	}
	return nil
}

// certifiedInvoice wants each row with its quantity and its amount, and an acknowledgmentMode, without which the app
// waits for ever.
func certifiedInvoice(invoice *node) error {
	if err := needs(invoice, "acknowledgmentMode", "title"); err != nil {
		return err
	}
	rows := invoice.child("invoiceRows").children("invoiceRow")
	if len(rows) == 0 {
		return errors.New("the invoice has no invoiceRow")
	}
	for n, row := range rows {
		if quantity, err := strconv.ParseFloat(row.value("itemQuantity"), 64); err != nil || quantity < 1 {
			return fmt.Errorf("invoiceRow %d has no itemQuantity of at least 1", n+1)
		}
		if needs(row.child("itemTotalAmount"), "value", "currency") != nil {
			return fmt.Errorf("invoiceRow %d has no itemTotalAmount", n+1)
		}
	}
	return nil
}

// certifiedReceipt wants a document of HTML or XML, in base64.
func certifiedReceipt(op *node) error {
	document := op.child("receiptDocument")
	if err := errors.Join(needs(op, "ersReference"), needs(document, "mimeType", "receiptData")); err != nil {
		return err
	}
	text, err := base64.StdEncoding.DecodeString(document.value("receiptData"))
	kind := strings.ToLower(document.value("mimeType"))
	switch {
	case err != nil:
		return errors.New("receiptData is no base64")
	case !strings.Contains(kind, "html") && !strings.Contains(kind, "xml"):
		return errors.New("the receipt is neither HTML nor XML")
	case !strings.HasPrefix(strings.TrimSpace(string(text)), "<"):
		return errors.New("receiptData holds no HTML and no XML")
	}
	return nil
}
