package glase

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// detailsOf is a report as the documentation's samples have them.
const detailsOf = `<?xml version="1.0" encoding="UTF-8"?>
<TransactionDetails>
<Meta>
<ResellerId>hm1</ResellerId>
<TransactionPeriodId>2012071711291546101000028</TransactionPeriodId>
<GeneratedAt>2012-07-18 15:21</GeneratedAt>
</Meta>

<Row>
<TerminalId>d8e0ff10ea214e5282899aa9697117c1</TerminalId>
<CashierId>bob</CashierId>
<SalesAmount>93.31000</SalesAmount>
<ErsReference>2012060410485453001000101</ErsReference>
</Row>
<Row>
<TerminalId>d8e0ff10ea214e5282899aa9697117c1</TerminalId>
<CashierId>NULL</CashierId>
<SalesAmount>-3.31000</SalesAmount>
<ErsReference>2012060410502892201000104</ErsReference>
</Row>
</TransactionDetails>`

const summaryOf = `<?xml version="1.0" encoding="UTF-8"?>
<CashierTransactionSummary>
<Meta>
<ResellerId>hm1</ResellerId>
<TerminalId>2469e0bf14214797880cafb0eda1b535</TerminalId>
<TransactionPeriodId>2012102916093771801000146</TransactionPeriodId>
<GeneratedAt>2012-10-30 12:18</GeneratedAt>
</Meta>
<Row>
<SalesCount>1</SalesCount>
<SalesTotal>10.00000</SalesTotal>
</Row>
</CashierTransactionSummary>`

func TestTheDocumentedReportsAreRead(t *testing.T) {
	s, err := ParseStatement([]byte(detailsOf), "SEK")
	if err != nil || len(s.Rows) != 2 || s.PeriodID != "2012071711291546101000028" || s.TerminalID != "" ||
		s.Summary != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := fmt.Sprint(s.Rows); got != "[{d8e0ff10ea214e5282899aa9697117c1 93.31 SEK 2012060410485453001000101} "+
		"{d8e0ff10ea214e5282899aa9697117c1 -3.31 SEK 2012060410502892201000104}]" {
		t.Error(got)
	}
	s, err = ParseStatement([]byte(summaryOf), "SEK")
	if err != nil || len(s.Rows) != 0 || s.Summary == nil || s.Summary.Count != 1 ||
		s.Summary.Total.String() != "10.00 SEK" || s.TerminalID != "2469e0bf14214797880cafb0eda1b535" {
		t.Fatalf("%+v, %v", s, err)
	}
	empty := strings.Split(detailsOf, "<Row>")[0] + "</TransactionDetails>"
	if s, err := ParseStatement([]byte(empty), "SEK"); err != nil || len(s.Rows) != 0 {
		t.Errorf("a period without sales: %+v, %v", s, err)
	}
}

// TestAMonthOfABusyMachineIsRead: its report has more elements than an answer may have.
func TestAMonthOfABusyMachineIsRead(t *testing.T) {
	head, rest, _ := strings.Cut(detailsOf, "<Row>")
	row, _, _ := strings.Cut(rest, "<Row>")
	month := head + strings.Repeat("<Row>"+row, 20_000) + "</TransactionDetails>"
	if s, err := ParseStatement([]byte(month), "SEK"); err != nil || len(s.Rows) != 20_000 {
		t.Errorf("%d rows, %v", len(s.Rows), err)
	}
	flood := head + strings.Repeat("<Row/>", statementMax) + "</TransactionDetails>"
	if _, err := ParseStatement([]byte(flood), "SEK"); !errors.Is(err, ErrStatement) {
		t.Errorf("a report of too many elements: %v", err)
	}
}

// TestAReportThatCannotBeMeantIsRefused: a verdict on a sale must not come from half a report.
func TestAReportThatCannotBeMeantIsRefused(t *testing.T) {
	for _, bad := range []string{
		"", "<html><body>502</body></html>", detailsOf[:300],
		strings.Replace(detailsOf, "93.31000", "ninety", 1),
		strings.Replace(detailsOf, "93.31000", "93.31001", 1), // finer than an öre
		strings.Replace(detailsOf, "<SalesAmount>93.31000</SalesAmount>", "", 1),
		strings.Replace(detailsOf, "<ErsReference>2012060410485453001000101</ErsReference>", "", 1),
		strings.Replace(detailsOf, "2012060410485453001000101", strings.Repeat("1", 5000), 1),
		strings.Replace(detailsOf, "<CashierId>bob", "<SalesAmount>1.00</SalesAmount><CashierId>bob", 1),
		strings.Replace(summaryOf, "<SalesCount>1", "<SalesCount>-1", 1),
		strings.Replace(summaryOf, "</Row>", "</Row><Row><SalesCount>1</SalesCount><SalesTotal>1</SalesTotal></Row>", 1),
	} {
		if s, err := ParseStatement([]byte(bad), "SEK"); !errors.Is(err, ErrStatement) {
			t.Errorf("%.200q is %+v, %v", bad, s, err)
		}
	}
}

func FuzzStatement(f *testing.F) {
	f.Add([]byte(detailsOf))
	f.Add([]byte(summaryOf))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStatement(b, "SEK")
		if err != nil {
			return
		}
		for _, r := range s.Rows {
			if r.ErsReference == "" || r.Amount.Currency != "SEK" {
				t.Errorf("%+v", r)
			}
		}
	})
}
