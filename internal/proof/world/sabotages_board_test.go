package world

const (
	boardSlotFile = "hw/vend/board/slot.go"
	boardLineFile = "hw/vend/board/line.go"
	lockBoardFile = "hw/vend/lockboard/lock.go"
)

// boardSabotages are mistakes with a serial motor board or lock board.
func boardSabotages() []sabotage {
	return []sabotage{
		{name: "board-silence-is-no-delivery",
			what: "a motor board that falls silent after a command counts as one that moved nothing",
			edits: []edit{{boardSlotFile,
				`		return vend.Result{Outcome: vend.Unknown, Why: vend.WhyNoBoard, Err: fmt.Errorf("board: motor %d: the board had`,
				`		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyNoBoard, Err: fmt.Errorf("board: motor %d: the board had`}}},
		{name: "board-jam-is-delivered", what: "a motor board's jam counts as a delivery", edits: []edit{{boardSlotFile,
			`		return vend.Result{Outcome: vend.NotDelivered, Why: vend.WhyJam}`,
			`		return vend.Result{Outcome: vend.Delivered, Why: vend.WhyJam}`}}},
		{name: "board-dispensing-is-dispensed",
			what: "a motor board that says that it begins counts as one that has delivered",
			edits: []edit{{boardSlotFile,
				`	case dispensed:
`, `	case dispensing, dispensed:
`}, {boardLineFile, `	if f.cmd == status && f.data[1] == dispensing {
		return
	}
`, ``}}},
		{name: "board-resends-anew",
			what: "a command that a motor board did not acknowledge is sent again as a new one",
			edits: []edit{{boardLineFile,
				`	b := j.frame.bytes()
`, `	l.number++
	j.frame.data = append([]byte{l.number}, j.frame.data[1:]...)
	b := j.frame.bytes()
`}}},
		{name: "unopened-at-the-board-is-delivered",
			what: "a locker at a lock board that nobody opened in time counts as a delivery",
			edits: []edit{{lockBoardFile,
				`return vend.Result{Outcome: vend.NotDelivered, Why: why}`,
				`return vend.Result{Outcome: vend.Delivered, Why: why}`}}},
	}
}
