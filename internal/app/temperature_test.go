package app

import (
	"io/fs"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/fsm"
	"kioskd/hw/display"
	"kioskd/internal/config"
	"kioskd/internal/debug"
	"kioskd/internal/reason"
)

// fridge is the kernel's folder with a sensor, or without.
type fridge struct {
	mu   sync.Mutex
	text string        // of the file temperature; "": the sensor is not there
	hang chan struct{} // not nil: a look at it hangs until this is closed
}

func (f *fridge) Open(name string) (fs.File, error) {
	f.mu.Lock()
	text, hang := f.text, f.hang
	f.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if text == "" || !strings.HasSuffix(name, "28-0316a2795caf/temperature") {
		return nil, fs.ErrNotExist
	}
	return file{strings.NewReader(text)}, nil
}

type file struct{ *strings.Reader }

func (file) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (file) Close() error               { return nil }

func (f *fridge) is(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = text
}

func (f *fridge) hangs(until chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hang = until
}

// inFridge plays with A1 perishable.
func inFridge(t *testing.T, flow string, f *fridge, story func(w *world)) {
	t.Helper()
	fridges := func(cfg *config.Config) {
		cfg.Slots[0].Perishable = true
		cfg.Temperature = config.Temperature{Sensor: "28-0316a2795caf", Max: 8, Min: 2, Hold: 15 * time.Minute}
	}
	playIn(t, flow, fridges, func(w *world) { w.sensors = f }, story)
}

func (w *world) health(name string) debug.Part {
	w.t.Helper()
	for _, p := range asked[[]debug.Part](w, "/api/health") {
		if p.Name == name {
			return p
		}
	}
	w.t.Fatalf("no %s among the parts", name)
	return debug.Part{}
}

func (w *world) metrics() string {
	rec := httptest.NewRecorder()
	w.app.Local.ServeHTTP(rec, httptest.NewRequest("GET", "http://localhost/metrics", nil))
	return rec.Body.String()
}

func TestMilkThatGotWarmIsNotSoldAndTheRestIs(t *testing.T) {
	f := &fridge{text: "5000\n"}
	inFridge(t, "reservation", f, func(w *world) {
		if p := w.health("Temperature"); !p.OK || p.What != "5.0 °C" {
			t.Errorf("the part is %+v", p)
		}
		if m := w.metrics(); !strings.Contains(m, "kioskd_temperature_celsius 5\n") || strings.Contains(m, "too_warm") {
			t.Error("the metrics lack 5 °C, or say that it is too warm")
		}
		f.is("12000\n")
		time.Sleep(10 * time.Minute)
		if s := w.app.Kiosk.State(); len(s.Faults) != 0 {
			t.Errorf("after 10 minutes: %+v", s.Faults)
		}
		time.Sleep(7 * time.Minute)
		if s := w.app.Kiosk.State(); s.Stage != fsm.Ready || s.ClosedSlots()["A1"] != reason.TooWarm {
			t.Errorf("after 17 minutes it is %s, and closed are %v", s.Stage, s.ClosedSlots())
		}
		if p := w.health("Temperature"); p.OK || p.Do == "" ||
			!strings.Contains(w.metrics(), `kioskd_faults{name="too_warm"} 1`) {
			t.Errorf("the part is %+v", p)
		}
		ref := w.scan()
		w.confirm(ref)
		w.press("A1")
		if s := w.screen.now(); s.Notice != reason.TooWarm || s.Prices[0].State == "" || s.Prices[1].State != "" {
			t.Errorf("the display shows %q and %+v", s.Notice, s.Prices)
		}
		w.press("A2")
		w.settled()
		w.money(ref, 2250)
		if n := w.dropped(); n["A1"] != 0 || n["A2"] != 1 {
			t.Errorf("%v came out", n)
		}
		w.press("door") // a technician's look does not make it cold
		w.press("door")
		f.is("7000\n")
		time.Sleep(time.Minute)
		if s := w.app.Kiosk.State(); len(s.ClosedSlots()) != 0 {
			t.Errorf("cold again, and closed are %v", s.ClosedSlots())
		}
	})
}

func TestAFridgeThatNobodyCanMeasureSellsNothingPerishable(t *testing.T) {
	f := &fridge{}
	inFridge(t, "invoice", f, func(w *world) {
		w.press("A1")
		if s := w.app.Kiosk.State(); s.Busy() || s.Live.Notice != reason.TooWarm {
			t.Errorf("without a sensor A1 is %s, %q", s.Stage, s.Live.Notice)
		}
		if p := w.health("Temperature"); p.OK || p.Do == "" ||
			strings.Contains(w.metrics(), "kioskd_temperature_celsius 0") {
			t.Errorf("the part is %+v", p)
		}
		f.is("85000\n") // it has power, and has not measured
		time.Sleep(time.Minute)
		if len(w.app.Kiosk.State().Faults) == 0 {
			t.Error("85 °C after the power came is taken for a reading")
		}
		f.is("4000\n")
		time.Sleep(time.Minute)
		until := make(chan struct{})
		f.hangs(until) // the bus does
		time.Sleep(17 * time.Minute)
		if p := w.health("Temperature"); p.OK || !strings.Contains(p.What, "longer") ||
			len(w.app.Kiosk.State().Faults) == 0 {
			t.Errorf("while the bus hangs: %+v, %+v", p, w.app.Kiosk.State().Faults)
		}
		f.hangs(nil)
		close(until)
		time.Sleep(time.Minute)
		w.press("A1")
		ref := w.app.Kiosk.State().Sale.Reference
		w.confirm(ref)
		w.settled()
		w.money(ref, 1500)
	})
}

func TestAMachineOfPerishablesSaysWhyItSellsNothing(t *testing.T) {
	f := &fridge{text: "20000\n"}
	all := func(cfg *config.Config) {
		for n := range cfg.Slots {
			cfg.Slots[n].Perishable = true
		}
		cfg.Temperature = config.Temperature{Sensor: "28-0316a2795caf", Max: 8, Min: 2, Hold: 15 * time.Minute}
	}
	playIn(t, "reservation", all, func(w *world) { w.sensors = f }, func(w *world) {
		time.Sleep(time.Second)
		if s := w.screen.now(); s.Kind != display.OutOfService || s.Why != reason.TooWarm {
			t.Errorf("the display shows %s, %q", s.Kind, s.Why)
		}
	})
}
