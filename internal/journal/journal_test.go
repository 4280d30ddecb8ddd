package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/identity"
	"kioskd/internal/reason"
)

// TestMain lets the test binary be the process that is killed in TestWhatWasAcknowledgedSurvivesAKill.
func TestMain(m *testing.M) {
	if path := os.Getenv("JOURNAL_TEST_WRITE"); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

func writeUntilKilled(path string) {
	j, err := Open(context.Background(), path, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for n := 1; ; n++ {
		rec := Record{Wall: time.UnixMilli(1), Event: fsm.Ticked{At: fsm.Instant(n)},
			After: fsm.State{Stage: fsm.Ready, Deadline: fsm.Instant(n)}}
		if err := j.Append(context.Background(), rec); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	var acknowledged fsm.Instant
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "JOURNAL_TEST_WRITE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		acknowledged = 0
		for n := 0; n < 100 && lines.Scan(); n++ {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatal(lines.Text())
			}
		}
		cmd.Process.Kill()
		for lines.Scan() { // what it still said before it died counts as well
			fmt.Sscan(lines.Text(), &acknowledged)
		}
		cmd.Wait()
		j := open(t, path)
		s, err := j.Load(t.Context())
		if err != nil || acknowledged < 100 || s.Deadline < acknowledged || s.Deadline > acknowledged+1 {
			t.Fatalf("acknowledged %d, found %d, %v", acknowledged, s.Deadline, err)
		}
		if c, err := j.Verify(t.Context()); err != nil || c.First != 1 {
			t.Fatalf("%+v, %v", c, err)
		}
		j.Close()
	}
}

func TestANewJournalIsEmpty(t *testing.T) {
	j, path := fresh(t)
	s, err := j.Load(t.Context())
	if err != nil || !reflect.DeepEqual(s, fsm.State{}) {
		t.Errorf("Load: %+v, %v", s, err)
	}
	if c, err := j.Verify(t.Context()); err != nil || c != (Chain{}) {
		t.Errorf("Verify: %+v, %v", c, err)
	}
	if sales, err := j.Sales(t.Context(), 10); err != nil || sales == nil || len(sales) != 0 {
		t.Errorf("Sales: %v, %v", sales, err)
	}
	if n, err := j.Prune(t.Context(), time.Now(), math.MaxInt64); err != nil || n != 0 {
		t.Errorf("Prune: %d, %v", n, err)
	}
	if story, err := j.Entries(t.Context(), "none"); err != nil || len(story) != 0 {
		t.Errorf("Entries: %v, %v", story, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fileMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTheFileIsKeptAsItMustBe(t *testing.T) {
	j, _ := fresh(t)
	for name, want := range map[string]string{"page_size": "1024", "journal_mode": "wal", "synchronous": "2",
		"wal_autocheckpoint": "0",
		"busy_timeout":       "2000", "application_id": fmt.Sprint(applicationID),
		"user_version": fmt.Sprint(schemaVersion)} {
		var got string
		if err := pragma(t.Context(), j.db, name, &got); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestTheLastRecordedStateComesBack(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	m.reserve()
	m.choose("A1")
	for range wholeEvery + 5 { // longer than one stretch of changes
		m.happen(fsm.FaultRaised{At: m.now, Fault: fsm.Fault{Name: reason.Door}})
		m.happen(fsm.FaultCleared{At: m.now, Name: reason.Door})
		want := m.state
		want.Live = fsm.Live{}
		got, err := j.Load(t.Context())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("Load: %+v, %v\nwant %+v", got, err, want)
		}
	}
	want, err := j.Load(t.Context())
	if err != nil || want.Sale.ID == "" {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	got, err := j.Load(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after opening again: %+v, %v\nwant %+v", got, err, want)
	}
	m.j = j
	m.happen(fsm.CancelPressed{At: m.now})
	if c, err := j.Verify(t.Context()); err != nil || c.Entries != m.steps {
		t.Errorf("%+v, %v, want %d entries", c, err, m.steps)
	}
}

func TestAnOlderProgramsStateStillDecodes(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	older := []byte(`{"stage":"out_of_service","gone_since":{"x":[1,null]},"boot":"b0"}`)
	e := &entry{Seq: j.end.seq + 1, Whole: 1, Event: "GoneSince", Body: []byte("{}"), After: older, Before: []byte{},
		Prev: j.end.hash}
	e.Hash = e.Sum()
	if _, err := j.db.Exec("INSERT INTO entries ("+entryColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", e.Seq, e.Wall,
		e.Whole, e.Event, e.Body, string(e.Before),
		string(e.After), e.Prev, e.Hash); err != nil {
		t.Fatal(err)
	}
	var err error
	if j.end, err = j.readEnd(t.Context(), j.db); err != nil {
		t.Fatal(err)
	}
	s, err := j.Load(t.Context())
	if err != nil || s.Stage != fsm.OutOfService || s.Boot != "b0" {
		t.Fatalf("%+v, %v", s, err)
	}
	m.state = s
	m.happen(fsm.Booted{At: 1, Boot: "b2", Rules: fsm.Rules{Flow: fsm.Sticker}})
	want := m.state
	want.Live = fsm.Live{}
	got, err := j.Load(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after a change on top of it: %+v, %v, want %+v", got, err, want)
	}
}

func TestNothingIsRecordedForACallerWhoGaveUp(t *testing.T) {
	j, _ := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Append(ctx, Record{Event: fsm.Ticked{}, After: fsm.State{Stage: fsm.Ready}}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("Append: %v", err)
	}
	if c, err := j.Verify(t.Context()); err != nil || c.Entries != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAForeignEntryIsNotBuiltUpon(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	if _, err := j.db.Exec(
		"INSERT INTO entries SELECT seq + 1, wall, whole, event, body, before, after, hash, hash FROM entries WHERE "+
			"seq = ?", m.steps); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), Record{Event: fsm.Ticked{}, After: fsm.State{Stage: fsm.Ready}}); !errors.Is(err,
		ErrCorrupt) {
		t.Errorf("Append: %v", err)
	}
}

func TestAStepIsRecordedWholeOrNotAtAll(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	// the last that a step writes
	const refuse = "CREATE TRIGGER refuse BEFORE INSERT ON sales BEGIN SELECT raise(ABORT, 'no'); END"
	if _, err := j.db.Exec(refuse); err != nil {
		t.Fatal(err)
	}
	rec := Record{Event: fsm.Ticked{}, After: visit("s1", fsm.Open)}
	if err := j.Append(t.Context(), rec); err == nil {
		t.Fatal("a step without its sale was recorded")
	}
	if c, err := j.Verify(t.Context()); err != nil || c.Entries != m.steps {
		t.Errorf("%+v, %v, want %d entries", c, err, m.steps)
	}
	if sales, err := j.Sales(t.Context(), 10); err != nil || len(sales) != 0 {
		t.Errorf("%+v, %v", sales, err)
	}
	if _, err := j.db.Exec("DROP TRIGGER refuse"); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), rec); err != nil {
		t.Errorf("the next step: %v", err)
	}
}

func TestReadersAndTheWriterShareTheJournal(t *testing.T) {
	j, _ := fresh(t)
	m := newMachine(t, j)
	old := m.wall.Add(-24 * time.Hour)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for _, read := range []func() error{
		func() error { _, err := j.Sales(t.Context(), 5); return err },
		func() error { _, err := j.Verify(t.Context()); return err },
		func() error { _, err := j.Load(t.Context()); return err },
		func() error { _, err := j.Prune(t.Context(), old, math.MaxInt64); return err },
	} {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if err := read(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 5 {
		m.sell()
	}
	close(stop)
	readers.Wait()
}

func TestIdleWritesNothing(t *testing.T) {
	j, path := fresh(t)
	m := newMachine(t, j)
	m.sell()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole := func() string {
		var all []string
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + suffix)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			all = append(all, string(b))
		}
		return strings.Join(all, "|")
	}
	before := whole()
	j = open(t, path)
	for _, do := range []func() error{
		func() error { _, err := j.Load(t.Context()); return err },
		func() error { _, err := j.Sales(t.Context(), 10); return err },
		func() error { _, err := j.Verify(t.Context()); return err },
		func() error { _, err := j.Prune(t.Context(), time.UnixMilli(clockFloor), math.MaxInt64); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if now := whole(); now != before {
			t.Errorf("opening and reading wrote to the journal: %d bytes were %d", len(now), len(before))
		}
	}
}

// TestASaleIsFewBytes holds what a sale costs the SD card: pages of 1024 bytes in the write-ahead log, each of them
// with a header of 24. What is left and what is sold are part of the state: a change is a few bytes, whatever the
// shelf, which is written in whole states alone, every few sales.
func TestASaleIsFewBytes(t *testing.T) {
	for slots, most := range map[int]float64{2: 32_000, 64: 36_000} { // of which the index by id is some 1,500
		j, path := fresh(t)
		m := newMachine(t, j)
		m.happen(booted(m.now, "b2", shelfOf(slots)))
		m.sell()
		size := func() int64 {
			info, err := os.Stat(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		const sales = 15 // fewer appends than a checkpoint waits for
		before, steps := size(), m.steps
		for range sales {
			m.sell()
		}
		each := float64(size()-before) / sales
		if appends := (m.steps - steps) / sales; appends != 11 {
			t.Fatalf("a sale is %d appends: the measure is off", appends)
		}
		if each > most {
			t.Errorf("with %d slots a sale of two products writes %.0f bytes of log, want at most %.0f", slots, each,
				most)
		}
		t.Logf("%d slots: %.0f bytes", slots, each)
	}
}

// secretive are the words that no field of what is recorded may have.
var secretive = regexp.MustCompile(`(?i)msisdn|phone|password|credential|pin\b|^key`)

func TestAJournalCanBeSentToAnybody(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type, string)
	look = func(typ reflect.Type, path string) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for f := range typ.Fields() {
			if secretive.MatchString(f.Name) || secretive.MatchString(f.Tag.Get("json")) {
				t.Errorf("%s.%s would be recorded", path, f.Name)
			}
			look(f.Type, path+"."+f.Name)
		}
	}
	for _, e := range events {
		look(reflect.TypeOf(e), reflect.TypeOf(e).Name())
	}
	look(reflect.TypeFor[fsm.State](), "State")

	j, path := fresh(t)
	const phone = "46700643842"
	id := identity.New("serial")
	id.TerminalID, id.Password = "87e1e8a9dd", identity.NewSecret("N29qdw4rWf")
	m := newMachine(t, j)
	m.happen(fsm.PurchaseRequested{At: m.now, Request: "r", Payer: "payerhash", Amount: sek(2000),
		New: fsm.NewSale{ID: "s1", ClientInvoiceID: "c1", Secret: "n1"}})
	files := ""
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		files += string(b)
	}
	if !strings.Contains(files, "c1") {
		t.Error("the clientInvoiceId is not there: the search finds nothing")
	}
	for _, secret := range []string{phone, "payerhash", id.TerminalID, id.Password.Reveal()} {
		if strings.Contains(files, secret) {
			t.Errorf("%q is in the journal", secret)
		}
	}
}

// events is one of each event.
var events = []fsm.Event{fsm.Booted{}, fsm.LossAccepted{}, fsm.PurchaseRequested{}, fsm.ProductChosen{},
	fsm.StockCounted{}, fsm.CancelPressed{}, fsm.PageLeft{}, fsm.RetryPressed{}, fsm.Notified{},
	fsm.Answered{Operation: fsm.SendInvoice}, fsm.Answered{Operation: fsm.AskStatus},
	fsm.Answered{Operation: fsm.UpdateInvoice},
	fsm.Answered{Operation: fsm.CommitReservation}, fsm.Answered{Operation: fsm.CancelInvoice},
	fsm.Answered{Operation: fsm.RefundPayment},
	fsm.Answered{Operation: fsm.SubmitReceipt}, fsm.VendEnded{}, fsm.FaultRaised{}, fsm.FaultCleared{},
	fsm.SlotsOpened{}, fsm.SaleStopped{}, fsm.Ticked{}, fsm.PlanogramSet{}, fsm.Commanded{}}

func TestEveryEventIsRecordedAndReadAgain(t *testing.T) {
	j, path := fresh(t)
	for n, e := range events {
		if err := j.Append(t.Context(), Record{Event: e,
			After: fsm.State{Stage: fsm.Ready, Deadline: fsm.Instant(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	db, err := connect(path, readerSettings)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	n := 0
	if err := walk(t.Context(), tx, func(e entry) {
		got, err := fsm.DecodeEvent(e.Event, e.Body)
		if err != nil || !reflect.DeepEqual(got, events[n]) {
			t.Errorf("%T came back as %#v, %v", events[n], got, err)
		}
		n++
	}); err != nil || n != len(events) {
		t.Errorf("%d of %d, %v", n, len(events), err)
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
