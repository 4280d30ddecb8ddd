package glasetest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"path"
	"strings"
	"time"

	"kioskd/internal/money"
)

// reportAfter is how long a report of a transaction period is not ready after the period was marked.
const reportAfter = 3 * time.Second

// periodsMax bounds the periods that are remembered; beyond it markTransactionPeriod is SYSTEM_BUSY.
const periodsMax = 100_000

// period is a stretch of the ledger between two marks: of the whole shop, or of one terminal, which count apart.
type period struct {
	id       string
	term     string // terminalId; "" for the shop's
	from, to int    // indices of the ledger, to exclusive
	marked   time.Time
}

// parametersOf reads a parameterMap.
func parametersOf(n *node) map[string]string {
	all := map[string]string{}
	for _, e := range n.child("parameters").child("parameter").children("entry") {
		all[e.value("key")] = e.value("value")
	}
	return all
}

func (g *Glase) markTransactionPeriod(_ caller, n *node, ans *answer) *refusal {
	term := parametersOf(n)["TERMINALID"]
	if term != "" && g.terminals[term] == nil {
		return refuse(RejectedBusinessLogic, "unknown terminal")
	}
	if len(g.periods) >= periodsMax {
		return refuse(SystemBusy, "too many periods")
	}
	p := &period{id: g.newErs(), term: term, from: g.marks[term], to: len(g.ledger), marked: g.now()}
	g.periods[p.id] = p
	g.marks[term] = p.to
	ans.PeriodID = p.id
	return nil
}

// executeReport writes one of the four reconciliation reports over a marked period, or over the open one when no
// transactionPeriodId is given. A terminal's report of the shop's period stays REPORT_NOT_READY for ever. Sales are
// what was charged; refunds and reversals are rows, or a share of the total, below zero.
func (g *Glase) executeReport(_ caller, n *node, ans *answer) *refusal {
	id, params := n.value("reportId"), parametersOf(n)
	perTerminal := id == "Reconciliation/STD_RECON_006.xml" || id == "Reconciliation/STD_RECON_007.xml"
	if !perTerminal && id != "Reconciliation/Shop.xml" && id != "Reconciliation/STD_RECON_003.xml" {
		return refuse(RejectedBusinessLogic, "unknown reportId")
	}
	term := params["TERMINALID"]
	if perTerminal && g.terminals[term] == nil {
		return refuse(RejectedBusinessLogic, "a terminal report needs a known TERMINALID")
	}
	p := g.periods[params["transactionPeriodId"]]
	switch {
	case params["transactionPeriodId"] == "":
		p = &period{term: term, from: g.marks[term], to: len(g.ledger)}
	case p == nil:
		return refuse(RejectedBusinessLogic, "unknown transactionPeriodId")
	case g.now().Before(p.marked.Add(reportAfter)):
		return refuse(ReportNotReady, "asked less than 3 s after the period was marked")
	case perTerminal && p.term == "":
		return refuse(ReportNotReady, "a terminal's report of a period that was marked without TERMINALID never is")
	case perTerminal && p.term != term:
		return refuse(RejectedBusinessLogic, "the period is another terminal's")
	}
	if term == "" {
		term = p.term
	}
	var sales []Movement
	for _, m := range g.ledger[p.from:p.to] {
		if m.Kind != Reserve && m.Kind != Release && (term == "" || m.Terminal == term) {
			sales = append(sales, m)
		}
	}
	doc := g.reportXML(p.id, term, sales, strings.HasSuffix(id, "_006.xml"))
	ans.Report = &xmlReport{MimeType: "text/html", Content: base64.StdEncoding.EncodeToString([]byte(doc)), String: doc}
	if name := path.Base(id); name != "Shop.xml" {
		ans.Report.Title = strings.TrimSuffix(name, ".xml") + "_" + p.id + ".xml"
	}
	return nil
}

// reportXML has the shape of the documentation's samples: details row by row, or one summary row.
func (g *Glase) reportXML(period, term string, sales []Movement, summary bool) string {
	type detail struct {
		TerminalID string `xml:"TerminalId,omitempty"`
		CashierID  string `xml:"CashierId,omitempty"`
		Amount     string `xml:"SalesAmount,omitempty"`
		Ers        string `xml:"ErsReference,omitempty"`
		Count      string `xml:"SalesCount,omitempty"`
		Total      string `xml:"SalesTotal,omitempty"`
	}
	var doc struct {
		XMLName xml.Name
		Meta    struct {
			ResellerID string `xml:"ResellerId"`
			TerminalID string `xml:"TerminalId,omitempty"`
			PeriodID   string `xml:"TransactionPeriodId"`
			At         string `xml:"GeneratedAt"`
		}
		Row []detail
	}
	doc.XMLName.Local = "TransactionDetails"
	doc.Meta.ResellerID, doc.Meta.TerminalID, doc.Meta.PeriodID, doc.Meta.At = TestReseller, term, period, g.now().
		Format("2006-01-02 15:04")
	count, total := 0, money.Amount{}
	for _, m := range sales {
		a := m.Amount
		if m.Kind != Charge {
			a.Minor = -a.Minor
		} else {
			count++
		}
		total.Minor, total.Currency = total.Minor+a.Minor, a.Currency // a shop sells in one currency
		cashier := m.Cashier
		if cashier == "" {
			cashier = "NULL"
		}
		doc.Row = append(doc.Row, detail{TerminalID: m.Terminal, CashierID: cashier, Amount: fiveDecimals(a),
			Ers: m.ErsReference})
	}
	if summary {
		doc.XMLName.Local = "CashierTransactionSummary"
		doc.Row = []detail{{Count: fmt.Sprint(count), Total: fiveDecimals(total)}}
	}
	out, err := xml.MarshalIndent(doc, "", "")
	if err != nil {
		panic("glasetest: a report that cannot be written: " + err.Error()) // the type above always can
	}
	return xml.Header + string(out)
}

// fiveDecimals is how the reports write amounts: 93.31000.
func fiveDecimals(a money.Amount) string {
	s := a.Decimal()
	whole, frac, _ := strings.Cut(s, ".")
	return whole + "." + (frac + "00000")[:5]
}
