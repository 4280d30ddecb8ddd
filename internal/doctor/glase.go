package doctor

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"kioskd/glase"
)

// Glase judges the answer to one harmless question: how an invoice stands that does not exist. Glase says that it does
// not (54) only to a terminal that it knows by its password. answer is the call's error, now the clock's time and
// synced whether it is set by a time server.
func Glase(endpoint string, answer error, now time.Time, synced bool) []Finding {
	const area = "glase"
	var refused *glase.ResultError
	var notSent *glase.NotSentError
	distrust, distrusted := Distrusted(answer, now, synced)
	switch {
	case distrusted:
		return []Finding{Failed(area, fmt.Sprintf("%s cannot be reached: %s", endpoint, distrust.Says),
			distrust.Remedy)}
	case errors.As(answer, &refused):
		switch refused.Code {
		case glase.CodeInvalidInvoiceReference:
			return []Finding{Ok(area, endpoint+" answers, and knows this terminal by its password")}
		case glase.CodeAuthenticationFailed, glase.CodeAccessDenied, glase.CodeInvalidInitiatorPrincipalID,
			glase.CodeInitiatorPrincipalNotFound:
			return []Finding{Failed(area, fmt.Sprintf("%s answers, and does not know this terminal: %d %s", endpoint,
				refused.Code, glase.CodeName(refused.Code)),
				"look at [glase] terminal_id and at what is in password_file; ask Glase for both")}
		case glase.CodeInvalidInitiatorState, glase.CodeLicenseRejection:
			return []Finding{Failed(area, fmt.Sprintf("%s answers, and does not let this terminal work: %d %s",
				endpoint, refused.Code, glase.CodeName(refused.Code)), "ask Glase about the terminal")}
		case glase.CodeSystemBusy:
			return []Finding{Warned(area, endpoint+" is busy: the terminal's password could not be tried",
				"try again in a minute")}
		}
		return []Finding{Warned(area, fmt.Sprintf("%s answers %d %s: the terminal's password may be right", endpoint,
			refused.Code, glase.CodeName(refused.Code)), "ask Glase what this code means for getPaymentStatus")}
	case errors.As(answer, &notSent):
		return []Finding{Failed(area, fmt.Sprintf("%s cannot be reached: %v", endpoint, bare(notSent.Err)),
			"look at the network: ip route; resolvectl query HOST; then at [glase] endpoint")}
	case errors.Is(answer, glase.ErrInvalid):
		return []Finding{Failed(area, answer.Error(), "look at [glase] in the config")}
	case answer != nil:
		return []Finding{Failed(area, fmt.Sprintf("%s was reached, and gave no answer that can be used: %v", endpoint,
			bare(answer)), "look at [glase] endpoint; a proxy between here and Glase may answer for it; try again")}
	}
	return []Finding{Warned(area, endpoint+" knows an invoice that does not exist",
		"look at [glase] endpoint: is this Glase?")}
}

// bare is an error without the address that the finding has said already.
func bare(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
