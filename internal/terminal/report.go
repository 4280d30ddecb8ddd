package terminal

import (
	"context"
	"fmt"
	"time"

	"kioskd/glase"
)

// reportAfter is how long the documentation asks to wait for a report after its period was marked.
const reportAfter = 3 * time.Second

// CloseRegister ends the terminal's transaction period, as the client's reseller, and gives the report of what it sold
// in it. The period is the terminal's own: the shop's goes on. A report whose period was marked for the shop would
// never be ready.
func CloseRegister(ctx context.Context, reseller *glase.Client, terminalID string) (glase.Report, error) {
	own := glase.Parameter{Key: glase.ParameterTerminalID, Value: terminalID}
	period, err := reseller.MarkTransactionPeriod(ctx, own)
	if err != nil {
		return glase.Report{}, fmt.Errorf("%w. To mark it again is harmless", err)
	}
	select {
	case <-time.After(reportAfter):
	case <-ctx.Done():
		return glase.Report{}, ctx.Err()
	}
	report, err := reseller.ExecuteReport(ctx, glase.ReportRequest{
		ReportID: glase.ReportTerminal, Language: "en",
		Parameters: []glase.Parameter{{Key: glase.ParameterPeriodID, Value: period}, own},
	})
	if err != nil {
		return report, fmt.Errorf("%w. The period %s is marked: its report can be asked for later", err, period)
	}
	return report, nil
}
