package app

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/kiosk"
	"kioskd/internal/reason"
)

// killed leaves in the world's folder what a SIGKILL would have left at this moment: the files as they are, with the
// log beside the journal. A second journal cannot be owned while the first is, so the files are kept, and put back once
// that kiosk has ended.
func (w *world) killed() {
	w.t.Helper()
	path := w.cfg.Journal.Path
	kept := map[string][]byte{}
	for _, suffix := range []string{"", "-wal", ".witness"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			w.t.Fatal(err)
		}
		kept[suffix] = b
	}
	w.end()
	for suffix, b := range kept {
		if err := os.WriteFile(path+suffix, b, 0o640); err != nil {
			w.t.Fatal(err)
		}
	}
}

// hasFault reports whether the machine stands out of service, the lost log among the reasons.
func (w *world) hasFault(name reason.Why) bool {
	return slices.ContainsFunc(w.app.Kiosk.State().Faults, func(f fsm.Fault) bool { return f.Name == name })
}

// TestALostLogKeepsTheMachineOutOfServiceUntilSomebodyAcceptsIt: journal.db alone is there after a crash, with a
// reservation open and a slot closed in what is gone.
func TestALostLogKeepsTheMachineOutOfServiceUntilSomebodyAcceptsIt(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone": os.Remove,
		"garbage": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("rubbish ", 9000)), 0o640)
		},
		"cut": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, "reservation", func(w *world) {
				w.fault("A1", "jam")
				w.buy()
				w.settled()
				w.confirm(w.scan())
				time.Sleep(2 * time.Second)
				if s := w.app.Kiosk.State(); s.Stage != fsm.Choosing || len(s.Closed) == 0 {
					w.t.Errorf("the sale is not open, or no slot is closed: %+v", s)
				}
				w.killed()
				if err := spoil(w.cfg.Journal.Path + "-wal"); err != nil {
					w.t.Fatal(err)
				}
				for range 2 { // a restart does not help
					w.start()
					time.Sleep(time.Minute)
					s := w.app.Kiosk.State()
					if !w.hasFault(reason.JournalLost) || s.Stage != fsm.OutOfService ||
						s.Reason != reason.JournalLost {
						w.t.Errorf("the machine stands in %s (%s) as if nothing were gone: %+v", s.Stage, s.Reason,
							s.Faults)
					}
					w.end()
				}
				w.start()
				time.Sleep(time.Second)
				w.app.Kiosk.Raise(fsm.Fault{Name: reason.Door, Hard: true})
				w.app.Kiosk.Clear(reason.Door)
				w.app.Kiosk.Serviced("somebody who refills it")
				time.Sleep(time.Second)
				if !w.hasFault(reason.JournalLost) {
					w.t.Error("an open door, or a refill, is no look at Glase's books")
				}
				if err := w.app.Kiosk.AcceptLoss(w.t.Context(), "t", " "); !errors.Is(err, kiosk.ErrNoAcceptance) {
					w.t.Errorf("accepted without a reason: %v", err)
				}
				if err := w.app.Kiosk.AcceptLoss(w.t.Context(), "t", "compared with Glase"); err != nil {
					w.t.Error(err)
				}
				if s := w.app.Kiosk.State(); w.hasFault(reason.JournalLost) {
					w.t.Errorf("still %s (%s)", s.Stage, s.Reason)
				}
				if err := w.app.Kiosk.AcceptLoss(w.t.Context(), "t", "again"); !errors.Is(err, kiosk.ErrNoAcceptance) {
					w.t.Errorf("accepted twice: %v", err)
				}
				w.end()
				w.start()
				time.Sleep(time.Second)
				if s := w.app.Kiosk.State(); s.Stage != fsm.Ready {
					w.t.Errorf("after it was accepted a restart stands in %s (%s)", s.Stage, s.Reason)
				}
				w.end()
				report, err := journal.Replay(context.Background(), w.cfg.Journal.Path)
				if err != nil || report.Difference != nil || len(report.Losses) == 0 || report.Missing != "" {
					w.t.Errorf("the replay does not tell of the loss: %+v, %v", report, err)
				}
				w.start()
			})
		})
	}
}
