package world

const (
	talkFile     = "hw/vend/mdb/talk.go"
	bridgeStep   = "hw/vend/mdb/step.go"
	approvalFile = "hw/vend/mdb/approval.go"
	busFile      = "internal/mdbseller/seller.go"
)

// busSabotages are about a machine that chooses and delivers by itself.
func busSabotages() []sabotage {
	return []sabotage{
		{name: "mdb-approves-again", what: "an approval without an answer is written again", edits: []edit{
			{bridgeStep, `	request, void := t.open, t.void
`, `	t.asked = t.now
	request, void := t.open, t.void
`},
			{talkFile, `	case t.vend.call != 0 || t.spent: `, `	case t.vend.call != 0 && waited > askAgain:
		return "C,VEND," + t.vend.request.Price.Decimal()
	case t.vend.call != 0 || t.spent: `}}},
		{name: "mdb-approves-at-once", what: "a machine's request is approved before the kiosk has taken it",
			edits: []edit{{busFile,
				`		if why := b.kiosk.ChooseAt(`,
				`		go b.bridge.Product(r.Product).Vend(context.Background())
		if why := b.kiosk.ChooseAt(`}}},
		{name: "mdb-silence-is-failure",
			what: "a machine that falls silent after the approval counts as one that did not deliver",
			edits: []edit{{approvalFile,
				`Outcome: vend.Unknown, Why: v.why`, `Outcome: vend.NotDelivered, Why: v.why`}}},
		{name: "mdb-silence-is-success",
			what: "a machine that falls silent after the approval counts as one that delivered for sure",
			edits: []edit{{approvalFile,
				`Outcome: vend.Unknown, Why: v.why`, `Outcome: vend.Delivered, Why: v.why`}}},
		{name: "mdb-config-price", what: "a machine's product costs what the config says", edits: []edit{{busFile,
			`s.ID, r.Price); why`, `s.ID, s.Price); why`}}},
		{name: "mdb-never-again", what: "a line to the machine that broke is not opened again",
			edits: []edit{{"hw/vend/mdb/bridge.go",
				`		serialport.Keep(lines, b.Open, func(`, `		opens := 0
		serialport.Keep(lines, func() (io.ReadWriteCloser, error) {
			if opens++; opens > 1 {
				<-lines.Done()
			}
			return b.Open()
		}, func(`}}},
		{name: "mdb-crash-is-charged",
			what: "after our own crash an item that the machine may have delivered is charged", edits: []edit{{bootFile,
				`	case t.slotOfUnknownFate() != "":
`, `	case false:
`}}},
		{name: "mdb-crash-is-free",
			what: "after our own crash an item that the machine may have delivered is forgotten",
			edits: []edit{{bootFile,
				`	case t.slotOfUnknownFate() != "":
		sale.SeenReserved = sale.SeenReserved || a.Status == StatusReserved
		t.doubt(`, `	case t.slotOfUnknownFate() != "":
		t.release(reason.Restarted)
	case false:
		t.doubt(`}}},
	}
}
