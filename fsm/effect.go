package fsm

import (
	"time"

	"kioskd/internal/money"
)

// Effect is something to do, after the step that asked for it is recorded. Every call's outcome comes back as an event that
// carries the same Call and Sale.
type Effect interface{ effect() }

// ErrorCode is what createPurchase answers instead of a reference.
type ErrorCode string

// The error codes of Glase's service for unattended machines.
const (
	InsufficientFunds ErrorCode = "INSUFFICIENT_FUNDS" // less than the cheapest product that can be sold now
	DeviceInUse       ErrorCode = "DEVICE_IN_USE"      // another customer is being served
	DeviceUnavailable ErrorCode = "DEVICE_UNAVAILABLE" // out of service
	InvoicingError    ErrorCode = "INVOICING_ERROR"    // sendInvoice failed
	SystemError       ErrorCode = "SYSTEM_ERROR"       // anything else
)

// The effects.
type (
	// Answer ends a waiting createPurchase, verdict or technician's act: with a reference, or with a code.
	Answer struct {
		Request   string
		Reference string
		Code      ErrorCode
	}
	// SendInvoice → InvoiceSent. Always with the same ClientInvoiceID for one sale.
	SendInvoice struct {
		Call               int
		Sale               string
		ClientInvoiceID    string
		Secret             string
		Flow               Flow
		Total              money.Amount
		Items              []Item        // direct debit: what is paid for; reservation: none yet
		ReservationTimeout time.Duration // reservation only
	}
	// AskStatus → StatusAnswered. Whatever the answer names is held against ClientInvoiceID, Reference and, once the sale has one,
	// ErsReference; another one makes it a Misfit.
	AskStatus struct {
		Call            int
		Sale            string
		Reference       string
		Version         int
		ClientInvoiceID string
		ErsReference    string
	}
	// UpdateInvoice → InvoiceUpdated. Items are the ones to charge, Total their sum.
	UpdateInvoice struct {
		Call      int
		Sale      string
		Reference string
		Total     money.Amount
		Items     []Item
	}
	// CommitReservation → ReservationCommitted.
	CommitReservation struct {
		Call      int
		Sale      string
		Reference string
		Total     money.Amount
	}
	// CancelInvoice → InvoiceCanceled.
	CancelInvoice struct {
		Call      int
		Sale      string
		Reference string
	}
	// RefundPayment → PaymentRefunded. Full: the whole payment goes back and no other refund is known, so that it may be repeated.
	RefundPayment struct {
		Call            int
		Sale            string
		ClientInvoiceID string
		ErsReference    string
		Total           money.Amount
		Full            bool
	}
	// SubmitReceipt → ReceiptSubmitted.
	SubmitReceipt struct {
		Call         int
		Sale         string
		ErsReference string
		Total        money.Amount
		Items        []Item
	}
	// Vend → VendEnded. The one motor start that the item is good for.
	Vend struct {
		Sale string
		Item Item
	}
	// StopVend asks the dispenser to end the item's vend, or a technician's act, at once; VendEnded or ServiceEnded still follows.
	StopVend struct {
		Sale string // none for a technician's act
		Item string
	}
	// Serve carries out a technician's act → ServiceEnded. The one move that the act is good for.
	Serve struct {
		Service Service
	}
	// TakeStock is one product less in a slot, to be recorded with the step.
	TakeStock struct {
		Slot string
	}
	// SetStock is a technician's word on how many products are in a slot, to be recorded with the step.
	SetStock struct {
		Slot string
		Left int
	}
)

func (Answer) effect()            {}
func (SendInvoice) effect()       {}
func (AskStatus) effect()         {}
func (UpdateInvoice) effect()     {}
func (CommitReservation) effect() {}
func (CancelInvoice) effect()     {}
func (RefundPayment) effect()     {}
func (SubmitReceipt) effect()     {}
func (Vend) effect()              {}
func (StopVend) effect()          {}
func (Serve) effect()             {}
func (TakeStock) effect()         {}
func (SetStock) effect()          {}
