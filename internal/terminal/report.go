package terminal

import (
	"context"
	"fmt"
	"time"

	"kioskd/glase"
)

// ReportAfter is how long the documentation asks to wait for a report after its period was marked.
const ReportAfter = 3 * time.Second

// Reseller marks periods and has reports; a *glase.Client with a reseller.
type Reseller interface {
	MarkTransactionPeriod(ctx context.Context, parameters ...glase.Parameter) (string, error)
	ExecuteReport(ctx context.Context, r glase.ReportRequest) (glase.Report, error)
}

// Mark ends a terminal's transaction period, or with no terminal the shop's, and gives its number. The other goes on.
func Mark(ctx context.Context, r Reseller, terminalID string) (period string, err error) {
	return r.MarkTransactionPeriod(ctx, of(terminalID)...)
}

// Report asks for one of Glase's reports of a period. The terminal's reports of a period that was marked for the shop
// would never be ready.
func Report(ctx context.Context, r Reseller, reportID, period, terminalID string) (glase.Report, error) {
	return r.ExecuteReport(ctx, glase.ReportRequest{ReportID: reportID, Language: "en",
		Parameters: append([]glase.Parameter{{Key: glase.ParameterPeriodID, Value: period}}, of(terminalID)...)})
}

// of are the parameters that narrow a request to a terminal; "": to none.
func of(terminalID string) []glase.Parameter {
	if terminalID == "" {
		return nil
	}
	return []glase.Parameter{{Key: glase.ParameterTerminalID, Value: terminalID}}
}

// CloseRegister ends the terminal's transaction period and gives the report of what it sold in it, without looking into
// it: certification asks for no more.
func CloseRegister(ctx context.Context, r Reseller, terminalID string) (glase.Report, error) {
	period, err := Mark(ctx, r, terminalID)
	if err != nil {
		return glase.Report{}, fmt.Errorf("%w. To mark it again is harmless", err)
	}
	select {
	case <-time.After(ReportAfter):
	case <-ctx.Done():
		return glase.Report{}, ctx.Err()
	}
	report, err := Report(ctx, r, glase.ReportTerminal, period, terminalID)
	if err != nil {
		return report, fmt.Errorf("%w. The period %s is marked: its report can be asked for later", err, period)
	}
	return report, nil
}
