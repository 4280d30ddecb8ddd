package journal

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
)

// day makes the machine's next day: a boot and n sales.
func (m *machine) day(n int) {
	m.t.Helper()
	m.wall = m.wall.Truncate(24 * time.Hour).Add(32 * time.Hour)
	m.happen(fsm.Booted{At: m.now, Boot: fmt.Sprint("b", m.wall.Unix()), Rules: m.state.Rules, Shelf: m.state.Shelf})
	for range n {
		m.sell()
	}
}

// whole checks that a pruned journal is still one: its chain, its state, its replay.
func whole(t *testing.T, j *Journal, want fsm.State, entries int) Chain {
	t.Helper()
	want.Live = fsm.Live{}
	if s, err := j.Load(t.Context()); err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("Load: %+v, %v\nwant %+v", s, err, want)
	}
	c, err := j.Verify(t.Context())
	if err != nil || c.Entries != entries {
		t.Errorf("Verify: %+v, %v, want %d entries", c, err, entries)
	}
	again := entries
	if c.First > 1 { // what the anchor of a pruned journal met is gone
		again--
	}
	r, err := Replay(t.Context(), j.path)
	if err != nil || r.Difference != nil || r.Replayed != again {
		t.Errorf("Replay: %s, %v, want %d of %d", mustJSON(t, r), err, again, entries)
	}
	return c
}

func (m *machine) saleIDs() string {
	m.t.Helper()
	sales, err := m.j.Sales(m.t.Context(), salesMax)
	if err != nil {
		m.t.Fatal(err)
	}
	var ids []string
	for _, s := range sales {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " ")
}

func TestPruningLeavesAJournal(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	for range 8 { // 8 × 34 entries: more than one batch
		m.day(3)
	}
	today := m.wall
	m.day(2)
	n, err := j.Prune(t.Context(), today, math.MaxInt64)
	if err != nil || n < 7*34 || n > 8*34 {
		t.Errorf("%d entries deleted, %v", n, err)
	}
	c := whole(t, j, m.state, m.steps-n)
	if again, err := j.Prune(t.Context(), today, math.MaxInt64); again != 0 || err != nil {
		t.Errorf("pruning again: %d, %v", again, err)
	}
	m.sell()
	whole(t, j, m.state, m.steps-n)
	// s24 ended as the last of the old ones. Of those before it are left as many as there are up to a whole state.
	left := strings.Fields(m.saleIDs())
	if !strings.HasPrefix(m.saleIDs(), "s27 s26 s25 s24") || len(left) > 4+wholeEvery/11 {
		t.Errorf("sales left: %s", left)
	}
	for _, id := range left {
		if story, err := j.Entries(t.Context(), id); err != nil || len(story) != 11 || story[0].Seq < c.First {
			t.Errorf("%s is not whole: %d entries, %v", id, len(story), err)
		}
	}
	if story, err := j.Entries(t.Context(), "s3"); err != nil || len(story) != 0 {
		t.Errorf("a pruned sale: %v, %v", story, err)
	}
	j.Close()
	j = open(t, path)
	whole(t, j, m.state, m.steps-n)
}

func TestPruningKeepsTheLastEntry(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.day(3)
	n, err := j.Prune(t.Context(), m.wall.Add(time.Hour), math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, j, m.state, m.steps-n)
	last, err := j.Sales(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for range wholeEvery + 5 { // a long time without a customer
		m.day(0)
	}
	n2, err := j.Prune(t.Context(), m.wall.Add(time.Hour), math.MaxInt64)
	if err != nil || n2 < 11 || n+n2 >= m.steps {
		t.Errorf("%d and %d of %d entries deleted, %v", n, n2, m.steps, err)
	}
	m.day(0) // its state still holds the last sale, which must not become a sale of today
	if sales, err := j.Sales(t.Context(), 10); err != nil || !reflect.DeepEqual(sales, last) {
		t.Errorf("sales: %+v, %v\nwant %+v", sales, err, last)
	}
}

func TestPruningNeverSplitsASale(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.day(6)
	id := m.reserve()
	for range 2 * wholeEvery { // long enough to hold whole states of its own
		m.happen(fsm.FaultRaised{At: m.now, Fault: fsm.Fault{Name: "paper"}})
		m.happen(fsm.FaultCleared{At: m.now, Name: "paper"})
	}
	n, err := j.Prune(t.Context(), m.wall.Add(time.Hour), math.MaxInt64)
	if most := m.steps - 3 - 4*wholeEvery; err != nil || n < most-wholeEvery || n > most {
		t.Errorf("%d entries deleted, %v", n, err)
	}
	whole(t, j, m.state, m.steps-n)
	if story, err := j.Entries(t.Context(), id); err != nil || len(story) == 0 ||
		story[0].Event != "PurchaseRequested" {
		t.Errorf("%d entries of the open sale, %v", len(story), err)
	}
	m.happen(fsm.CancelPressed{At: m.now})
	if again, err := j.Prune(t.Context(), m.wall.Add(time.Hour), math.MaxInt64); again != 0 || err != nil {
		t.Errorf("now that it has ended: %d entries deleted, %v", again, err)
	}
	whole(t, j, m.state, m.steps-n)
}

func TestPruningKeepsWhatIsInDoubt(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	m.day(1)
	doubtful := visit("doubt", fsm.InDoubt)
	doubtful.Rules, doubtful.Shelf, doubtful.Stock = m.state.Rules, m.state.Shelf, m.state.Stock
	if err := j.Append(t.Context(), Record{Wall: m.wall, Event: fsm.Ticked{}, After: doubtful}); err != nil {
		t.Fatal(err)
	}
	m.state = doubtful
	m.day(3)
	if _, err := j.Prune(t.Context(), m.wall.Add(time.Hour), math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	if n, err := j.InDoubt(t.Context()); len(n) != 1 || err != nil {
		t.Errorf("InDoubt = %d, %v", len(n), err)
	}
}

func TestPruningTrustsNoClockThatStoodStill(t *testing.T) {
	const perDay = wholeEvery/11 + 1 // enough for a whole state
	for name, c := range map[string]struct {
		walls []string // some sales on each
		keep  int      // the first day of which a sale may be gone is before this one
	}{
		"1970 after old ones, before young ones": {[]string{"2026-05-02", "1970-01-01", "2026-07-01"}, 1},
		"1970 between old ones": {
			[]string{"2026-05-02", "1970-01-01", "2026-05-03", "2026-05-04", "2026-07-01"}, 4},
		"1970 only": {[]string{"1970-01-01", "1970-01-02"}, 1},
		"a clock that ran ahead": {
			[]string{"2026-05-02", "2026-05-03", "2038-01-01", "2026-05-04", "2026-07-01"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			j, _ := fresh(t)
			m := newMachine(t, j)
			for _, day := range c.walls {
				var err error
				if m.wall, err = time.Parse(time.DateOnly, day); err != nil {
					t.Fatal(err)
				}
				for range perDay {
					m.sell()
				}
			}
			before, err := time.Parse(time.DateOnly, "2026-06-01")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Prune(t.Context(), before, math.MaxInt64); err != nil {
				t.Fatal(err)
			}
			// Of the day before are left at least the last sale, which is the anchor's, and as many as there are up to
			// a whole state.
			most := (len(c.walls) - c.keep + 1) * perDay
			if c.keep > 1 {
				most += perDay - 1
			}
			left := len(strings.Fields(m.saleIDs()))
			if least := min(most, (len(c.walls)-c.keep)*perDay+1); left < least || left > most {
				t.Errorf("%d sales left, want %d to %d", left, least, most)
			}
			if _, err := j.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNothingIsPrunedThatTheOperatorHasNotGot: the anchor, which is the oldest entry that stays, may be the one after
// the last that is held.
func TestNothingIsPrunedThatTheOperatorHasNotGot(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	for range 8 {
		m.day(3)
	}
	deleted := 0
	for _, had := range []int64{0, 1, 60, 150, 149, int64(m.steps)} {
		n, err := j.Prune(t.Context(), m.wall.Add(time.Hour), had)
		if err != nil {
			t.Fatal(err)
		}
		deleted += n
		first, last, err := j.Span(t.Context())
		if err != nil || first != int64(deleted)+1 || last != int64(m.steps) || first > had+1 {
			t.Errorf("had %d: %d deleted, from %d to %d, %v", had, deleted, first, last, err)
		}
		whole(t, j, m.state, m.steps-deleted)
	}
	if deleted < 150 {
		t.Errorf("of %d entries %d were deleted", m.steps, deleted)
	}
}

func TestANewJournalSpansNothing(t *testing.T) {
	j, _ := fresh(t)
	if first, last, err := j.Span(t.Context()); first != 0 || last != 0 || err != nil {
		t.Errorf("%d to %d, %v", first, last, err)
	}
}
