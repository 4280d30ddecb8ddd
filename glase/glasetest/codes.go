package glasetest

import "strconv"

// Code is a result code of Glase's answers. A business refusal is a code on HTTP 200, never a SOAP Fault.
type Code int

// The result codes that Glase's documentation, client library and manual name.
const (
	Success                Code = 0
	PendingApproval        Code = 1
	ReportNotReady         Code = 2
	RejectedBusinessLogic  Code = 10
	RejectedAmount         Code = 11
	RejectedPayment        Code = 12
	AuthenticationFailed   Code = 20
	AccessDenied           Code = 21
	InvalidErsReference    Code = 23
	InvalidPrincipalID     Code = 29
	InvalidPrincipalState  Code = 33
	PrincipalNotFound      Code = 37
	PaymentInProgress      Code = 48
	InvalidInvoiceData     Code = 49
	CannotCancelPaid       Code = 50
	CannotCancelInProgress Code = 51
	InvalidCustomer        Code = 52
	InvalidSeqrID          Code = 53
	InvalidReference       Code = 54
	PaymentAlreadyCanceled Code = 55
	// of authorizations, which a merchant of this kind has none of: by the cash-register sample, whose spelling of the
	// last is not certain
	AuthorizationExpired          Code = 60
	AuthorizationCancelled        Code = 61
	AuthorizationInProgress       Code = 62
	InvalidAuthorizationReference Code = 63

	InvalidNotificationURL Code = 64
	SystemError            Code = 90
	UnsupportedOperation   Code = 91
	LicenseRejection       Code = 92
	SystemBusy             Code = 93
	ServiceUnavailable     Code = 94
	InvoiceAlreadyCanceled Code = 95
	InvoiceNotReserved     Code = 96
	RefundNotAllowed       Code = 97
	RefundAboveOriginal    Code = 98
	AccountRefusesRefunds  Code = 99
)

// String is the resultDescription that goes with the code, "SUCCESS" for 0.
func (c Code) String() string {
	switch c {
	case Success:
		return "SUCCESS"
	case PendingApproval:
		return "PENDING_APPROVAL"
	case ReportNotReady:
		return "REPORT_NOT_READY"
	case RejectedBusinessLogic:
		return "REJECTED_BUSINESS_LOGIC"
	case RejectedAmount:
		return "REJECTED_AMOUNT"
	case RejectedPayment:
		return "REJECTED_PAYMENT"
	case AuthenticationFailed:
		return "AUTHENTICATION_FAILED"
	case AccessDenied:
		return "ACCESS_DENIED"
	case InvalidErsReference:
		return "INVALID_ERS_REFERENCE"
	case InvalidPrincipalID:
		return "INVALID_INITIATOR_PRINCIPAL_ID"
	case InvalidPrincipalState:
		return "INVALID_INITIATOR_PRINCIPAL_STATE"
	case PrincipalNotFound:
		return "INITIATOR_PRINCIPAL_NOT_FOUND"
	case PaymentInProgress:
		return "PAYMENT_IN_PROGRESS"
	case InvalidInvoiceData:
		return "INVALID_INVOICE_DATA"
	case CannotCancelPaid:
		return "CANNOT_CANCEL_PAID_INVOICE"
	case CannotCancelInProgress:
		return "CANNOT_CANCEL_INVOICE_IN_PROGRESS"
	case InvalidCustomer:
		return "INVALID_CUSTOMER"
	case InvalidSeqrID:
		return "INVALID_SEQR_ID"
	case InvalidReference:
		return "INVALID_INVOICE_REFERENCE"
	case PaymentAlreadyCanceled:
		return "PAYMENT_ALREADY_CANCELLED"
	case AuthorizationExpired:
		return "AUTHORIZATION_EXPIRED"
	case AuthorizationCancelled:
		return "AUTHORIZATION_CANCELLED"
	case AuthorizationInProgress:
		return "AUTHORIZATION_IN_PROGRESS"
	case InvalidAuthorizationReference:
		return "INVALID_AUTHORIZATION_REFERENCE"
	case InvalidNotificationURL:
		return "INVALID_NOTIFICATION_URL"
	default:
		return c.high()
	}
}

// high names the codes from 90 on, and any that nobody documented: unknown codes do occur.
func (c Code) high() string {
	switch c {
	case SystemError:
		return "SYSTEM_ERROR"
	case UnsupportedOperation:
		return "UNSUPPORTED_OPERATION"
	case LicenseRejection:
		return "LICENSE_REJECTION"
	case SystemBusy:
		return "SYSTEM_BUSY"
	case ServiceUnavailable:
		return "SERVICE_UNAVAILABLE"
	case InvoiceAlreadyCanceled:
		return "INVOICE_ALREADY_CANCELED"
	case InvoiceNotReserved:
		return "INVOICE_STATE_NOT_RESERVED"
	case RefundNotAllowed:
		return "RESELLER_NOT_ALLOWED_TO_DO_REFUND"
	case RefundAboveOriginal:
		return "SUM_OF_REFUNDS_CAN_NOT_BE_MORE_THAN_ORIGINAL_TRANSACTION"
	case AccountRefusesRefunds:
		return "RECEIVER_ACCOUNT_DOES_NOT_ALLOW_REFUNDS"
	default:
		return "UNKNOWN_" + strconv.Itoa(int(c))
	}
}

// refusal is why an operation was not done: the code that the answer carries and a reason for the log alone, because
// Glase's own descriptions are the bare words.
type refusal struct {
	code Code
	why  string
}

func (r *refusal) Error() string { return r.code.String() + ": " + r.why }

func refuse(code Code, why string) *refusal { return &refusal{code, why} }
