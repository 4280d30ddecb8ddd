package glase

// The result codes of Glase's documentation, its client library and its manual. Others occur.
const (
	CodeSuccess                       = 0
	CodePendingApproval               = 1
	CodeReportNotReady                = 2
	CodeRejectedBusinessLogic         = 10
	CodeRejectedAmount                = 11
	CodeRejectedPayment               = 12
	CodeAuthenticationFailed          = 20
	CodeAccessDenied                  = 21
	CodeInvalidErsReference           = 23
	CodeInvalidInitiatorPrincipalID   = 29
	CodeInvalidInitiatorState         = 33
	CodeInitiatorPrincipalNotFound    = 37
	CodePaymentInProgress             = 48 // wait, then ask
	CodeInvalidInvoiceData            = 49
	CodeCannotCancelPaidInvoice       = 50
	CodeCannotCancelInvoiceInProgress = 51
	CodeInvalidCustomer               = 52
	CodeInvalidSeqrID                 = 53
	CodeInvalidInvoiceReference       = 54
	CodePaymentAlreadyCancelled       = 55
	CodeAuthorizationExpired          = 60 // and the next three: of authorizations, which no kiosk has
	CodeAuthorizationCancelled        = 61
	CodeAuthorizationInProgress       = 62
	CodeInvalidAuthorizationReference = 63 // by a sample whose spelling is not certain
	CodeInvalidNotificationURL        = 64
	CodeSystemError                   = 90 // an UnknownError, never a ResultError
	CodeUnsupportedOperation          = 91
	CodeLicenseRejection              = 92
	CodeSystemBusy                    = 93 // certainly not done; try again
	CodeServiceUnavailable            = 94 // an UnknownError, never a ResultError
	CodeInvoiceAlreadyCanceled        = 95
	CodeInvoiceStateNotReserved       = 96
	CodeRefundNotAllowed              = 97 // this reseller may not refund
	CodeRefundsExceedPayment          = 98 // the sum of the refunds would be more than the payment
	CodeReceiverAllowsNoRefunds       = 99
)

// CodeName is the documentation's name of a result code, or "UNDOCUMENTED" for one that it does not have.
func CodeName(code int) string {
	switch code {
	case CodeSuccess:
		return "SUCCESS"
	case CodePendingApproval:
		return "PENDING_APPROVAL"
	case CodeReportNotReady:
		return "REPORT_NOT_READY"
	case CodeRejectedBusinessLogic:
		return "REJECTED_BUSINESS_LOGIC"
	case CodeRejectedAmount:
		return "REJECTED_AMOUNT"
	case CodeRejectedPayment:
		return "REJECTED_PAYMENT"
	case CodeAuthenticationFailed:
		return "AUTHENTICATION_FAILED"
	case CodeAccessDenied:
		return "ACCESS_DENIED"
	case CodeInvalidErsReference:
		return "INVALID_ERS_REFERENCE"
	case CodeInvalidInitiatorPrincipalID:
		return "INVALID_INITIATOR_PRINCIPAL_ID"
	case CodeInvalidInitiatorState:
		return "INVALID_INITIATOR_PRINCIPAL_STATE"
	case CodeInitiatorPrincipalNotFound:
		return "INITIATOR_PRINCIPAL_NOT_FOUND"
	case CodePaymentInProgress:
		return "PAYMENT_IN_PROGRESS"
	case CodeInvalidInvoiceData:
		return "INVALID_INVOICE_DATA"
	case CodeCannotCancelPaidInvoice:
		return "CANNOT_CANCEL_PAID_INVOICE"
	case CodeCannotCancelInvoiceInProgress:
		return "CANNOT_CANCEL_INVOICE_IN_PROGRESS"
	case CodeInvalidCustomer:
		return "INVALID_CUSTOMER"
	case CodeInvalidSeqrID:
		return "INVALID_SEQR_ID"
	case CodeInvalidInvoiceReference:
		return "INVALID_INVOICE_REFERENCE"
	case CodePaymentAlreadyCancelled:
		return "PAYMENT_ALREADY_CANCELLED"
	case CodeAuthorizationExpired:
		return "AUTHORIZATION_EXPIRED"
	case CodeAuthorizationCancelled:
		return "AUTHORIZATION_CANCELLED"
	case CodeAuthorizationInProgress:
		return "AUTHORIZATION_IN_PROGRESS"
	case CodeInvalidAuthorizationReference:
		return "INVALID_AUTHORIZATION_REFERENCE"
	case CodeInvalidNotificationURL:
		return "INVALID_NOTIFICATION_URL"
	case CodeSystemError:
		return "SYSTEM_ERROR"
	case CodeUnsupportedOperation:
		return "UNSUPPORTED_OPERATION"
	case CodeLicenseRejection:
		return "LICENSE_REJECTION"
	case CodeSystemBusy:
		return "SYSTEM_BUSY"
	case CodeServiceUnavailable:
		return "SERVICE_UNAVAILABLE"
	case CodeInvoiceAlreadyCanceled:
		return "INVOICE_ALREADY_CANCELED"
	case CodeInvoiceStateNotReserved:
		return "INVOICE_STATE_NOT_RESERVED"
	case CodeRefundNotAllowed:
		return "RESELLER_NOT_ALLOWED_TO_DO_REFUND"
	case CodeRefundsExceedPayment:
		return "SUM_OF_REFUNDS_CAN_NOT_BE_MORE_THAN_ORIGINAL_TRANSACTION"
	case CodeReceiverAllowsNoRefunds:
		return "RECEIVER_ACCOUNT_DOES_NOT_ALLOW_REFUNDS"
	}
	return "UNDOCUMENTED"
}
