package watch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/store"
	"kioskd/internal/reason"
)

// Grade is how bad something is: the smaller, the worse.
type Grade int

// The grades.
const (
	Alarm   Grade = iota // the record itself is in question: somebody must decide
	Stopped              // it sells nothing
	Unheard              // nobody knows
	Partly               // some slots sell nothing, or a sale waits for a person
	Watched              // it sells, and something is to be done soon
	Well
)

// String is the grade in one word.
func (g Grade) String() string {
	return [...]string{"alarm", "stopped", "not heard", "partly", "watch", "well"}[g]
}

// Trouble is one thing that is wrong with a machine.
type Trouble struct {
	Grade Grade
	What  string
	Word  string // of package reason; "": it is none of a machine's faults
	Note  string
	Since time.Time // zero: not known
	Alarm int64     // the alarm that a person can end; 0: it is none
}

// Machine is how one stood.
type Machine struct {
	store.MachineRow
	Troubles []Trouble // the worst first, then the oldest
	Grade    Grade     // of the worst
	Behind   int64     // entries that its journal has and the database has not, as far as it has said
	Sold     []store.SoldRow
	LastSale time.Time // zero: none that is known
	Running  []Running
	InDoubt  int
	doubted  time.Time // since when the oldest of them waits
	Silent   bool
	Ailing   []string            // what is wrong with its computer, a word each
	Want     *protocol.WantState // how far it is with what is wanted of it; nil: it has not said
}

// Label is its name for people.
func (m *Machine) Label() string { return cmp.Or(m.Name, m.Kiosk) }

const (
	// a machine tells its condition each five minutes: two may be lost
	unheardAfter = 3*protocol.ConditionEvery + time.Minute
	behindAfter  = 5 * time.Minute
)

var clockless = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// gather puts together what was read.
func (w *Watch) gather(s *Snapshot, rows []store.MachineRow, faults []store.FaultRow, sold []store.SoldRow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	by, kiosks := map[int64]*Machine{}, map[string]*Machine{}
	for _, r := range rows {
		m := &Machine{MachineRow: r}
		s.Machines, by[r.ID], kiosks[r.Kiosk] = append(s.Machines, m), m, m
		if r.Group != "" && !slices.Contains(s.Groups, r.Group) {
			s.Groups = append(s.Groups, r.Group)
		}
	}
	slices.Sort(s.Groups)
	for _, r := range sold {
		if m := by[r.Machine]; m != nil {
			m.Sold = append(m.Sold, r)
			m.LastSale = later(m.LastSale, r.Last)
		}
	}
	for _, r := range s.Doubts {
		if m := by[r.Machine]; m != nil {
			m.InDoubt++
			if m.doubted.IsZero() || r.Taken.Before(m.doubted) {
				m.doubted = r.Taken
			}
		}
	}
	for _, a := range s.Alarms {
		if m := kiosks[a.Kiosk]; m != nil {
			m.add(Alarm, alarmed(a.Kind), a.Note, a.Since)
			m.Troubles[len(m.Troubles)-1].Alarm = a.ID
		}
	}
	for _, f := range faults {
		if m := by[f.Machine]; m != nil {
			m.fault(f)
		}
	}
	for _, m := range s.Machines {
		w.judge(m, s.At)
	}
	slices.SortStableFunc(s.Machines, func(a, b *Machine) int {
		return cmp.Or(cmp.Compare(a.Grade, b.Grade), compareSince(a.since(), b.since()), cmp.Compare(a.Label(),
			b.Label()))
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (m *Machine) since() time.Time {
	if len(m.Troubles) == 0 {
		return time.Time{}
	}
	return m.Troubles[0].Since
}

func (m *Machine) add(g Grade, what, note string, since time.Time) {
	if since.Before(clockless) {
		since = time.Time{}
	}
	m.Troubles = append(m.Troubles, Trouble{Grade: g, What: what, Note: note, Since: since})
}

func (m *Machine) fault(f store.FaultRow) {
	grade, what := Stopped, words(f.Name)
	if f.Slots != "" {
		grade, what = Partly, f.Slots+": "+what
	}
	m.add(grade, what, f.Note, f.Since)
	m.Troubles[len(m.Troubles)-1].Word = f.Name
}

// words makes one of package reason's readable.
func words(name string) string {
	switch reason.Why(name) {
	case reason.Door:
		return "its service door is open"
	case reason.Tilt:
		return "it was tilted"
	case reason.Technician:
		return "a technician works on it"
	case reason.Journal:
		return "its journal cannot be written: look at its card"
	case reason.JournalLost:
		return "its journal came back without its newest entries: a person must accept that"
	case reason.ClonedCard:
		return "another machine has its identity: its card was copied"
	case reason.ForeignCancel:
		return "somebody else cancels its reservations: another machine may have its terminal"
	case reason.ChargeRefused:
		return "Glase refuses to charge what customers took"
	}
	return strings.ReplaceAll(name, "_", " ")
}

// alarmed says an alarm's kind.
func alarmed(kind string) string {
	switch kind {
	case store.Forked:
		return "two histories with one id: a copied card, or one that lost its newest part; it is out of service"
	case store.TwoMachines:
		return "two machines with this id"
	case store.EntriesLost:
		return "entries are lost: neither the database nor the machine has them"
	case store.Rubbish:
		return "what it sends is no entry"
	case store.Unreadable:
		return "its entries are kept, and cannot be read by this version of the hub"
	case store.Unfollowed:
		return "its entries are kept, and sales, stock and faults are not known until its next whole state"
	case store.Unwritten:
		return "the database refuses its entries"
	}
	return words(kind)
}

// judge adds what nobody says of a machine, and puts its troubles in order.
func (w *Watch) judge(m *Machine, now time.Time) {
	c, ways := w.told[m.ID], w.ways[m.ID]
	if !m.Forked.IsZero() && !slices.ContainsFunc(m.Troubles, func(t Trouble) bool { return t.Grade == Alarm }) {
		m.add(Alarm, alarmed(store.Forked), "", m.Forked)
	}
	stopped := slices.ContainsFunc(m.Troubles, func(t Trouble) bool { return t.Grade <= Stopped })
	switch {
	case m.Stage == outOfService && !stopped:
		m.add(Stopped, words(cmp.Or(m.Reason, m.Stage)), "", m.Since)
	case m.Stage == maintenance && !stopped:
		m.add(Stopped, "a technician works on it", "", m.Since)
	}
	heard := now.Sub(m.Seen) <= unheardAfter
	switch {
	case m.Seen.IsZero():
		m.add(Unheard, "it was never heard", "", m.MachineRow.Taken)
	case !heard:
		m.add(Unheard, "nothing is heard of it", "", m.Seen)
	}
	if m.InDoubt > 0 {
		m.add(Partly, plural(m.InDoubt, "sale")+" in doubt", "", m.doubted)
	}
	if m.Want = c.Want; m.Want != nil && m.Want.Refused {
		m.add(Watched, "it refuses the prices or products that are wanted of it", m.Want.Why, time.Time{})
	}
	m.Behind = max(0, c.Last-m.Seq)
	if m.Behind > 0 && heard && now.Sub(later(m.Taken, m.Seen.Add(-unheardAfter))) > behindAfter {
		m.add(Watched, plural(int(m.Behind), "entry")+" not here yet", "", m.Taken)
	}
	if !c.at.IsZero() && !c.Synced {
		m.add(Watched, "its clock is not set", "", time.Time{})
	}
	m.computer(c.Troubles)
	m.LastSale = later(m.LastSale, ways.habit.Last)
	if missed, silent := ways.habit.Silent(m.LastSale, now); silent && heard && !stopped {
		m.Silent = true
		m.add(Watched, fmt.Sprintf("silent: it usually sells %.0f times in this while", missed), "", m.LastSale)
	}
	m.Running = ways.running
	if n := len(m.Running); n > 0 {
		m.add(Watched, plural(n, "slot")+" empty or nearly so", "", time.Time{})
	}
	slices.SortStableFunc(m.Troubles, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(a.Grade, b.Grade), compareSince(a.Since, b.Since))
	})
	m.Grade = Well
	if len(m.Troubles) > 0 {
		m.Grade = m.Troubles[0].Grade
	}
}

// computer adds what is wrong with the computer that a machine runs on, by its own word. It sells on.
func (m *Machine) computer(troubles []protocol.ConditionTrouble) {
	for n, t := range troubles {
		if n == protocol.TroublesMax {
			return
		}
		m.add(Watched, ailing(t.Name), protocol.Short(t.Note), time.Time{})
		m.Ailing = append(m.Ailing, label(t.Name))
	}
}

// ailing makes one of the words of packages host and selftest readable.
func ailing(name string) string {
	switch name {
	case "disk_low", "disk_full":
		return "its card is nearly full"
	case "files_few":
		return "its card takes no more files"
	case "disk_read_only", "disk_errors", "disk_gone", "disk_unreadable", "disk_hangs":
		return "its card fails: save the record, and replace it"
	case "card_worn":
		return "its card is worn: replace it soon"
	case "hot", "slowed":
		return "it is too hot"
	case "supply_low":
		return "its supply is too weak"
	case "clock_unset", "clock_unsynced", "rtc_off":
		return "its clock is not kept right"
	case "selftest_failed":
		return "its self-test has found something"
	case "selftest_late":
		return "it has not tested itself for weeks"
	}
	return "its computer: " + words(label(name))
}

// compareSince puts what is not known last.
func compareSince(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return a.Compare(b)
}

// The steps of a machine that sells nothing, in the words of package fsm.
const (
	outOfService = "out_of_service"
	maintenance  = "maintenance"
)

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}
