package debug

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"

	"kioskd/fsm"
	"kioskd/internal/journal"
	"kioskd/internal/reason"
)

// countFirst is how many sales a scrape looks at before it looks at salesMax: more than are made between two scrapes.
const countFirst = 8

// stages and endings are the values of the labels "step" and "state".
func stages() []fsm.Stage {
	return []fsm.Stage{
		fsm.Ready, fsm.OutOfService, fsm.Maintenance, fsm.Resolving, fsm.Invoicing, fsm.Awaiting, fsm.Choosing,
		fsm.Asking,
		fsm.Vending, fsm.Updating, fsm.Committing, fsm.Confirming, fsm.Releasing, fsm.Refunding, fsm.Receipting,
	}
}

func endings() []fsm.SaleState {
	return []fsm.SaleState{fsm.Charged, fsm.Released, fsm.Refunded, fsm.Cancelled, fsm.Failed, fsm.Lost, fsm.InDoubt}
}

// machine tells the metrics at each scrape; between scrapes it costs nothing. Labels hold words of the program and its
// version alone: no slot, no sale, nothing of a customer. What the journal cannot tell is left out, and the others are
// still told.
type machine struct {
	port *port

	mu     sync.Mutex
	ended  map[fsm.SaleState]int // sales that ended since the port was made, by state
	latest string                // the last of them, or the last one before; empty: there was none
	based  bool                  // latest is known
}

// metrics makes the handler of /metrics.
func (p *port) metrics() http.Handler {
	m := &machine{port: p, ended: map[fsm.SaleState]int{}}
	if err := m.count(context.Background()); err != nil {
		p.Log.Warn().Err(err).Msg("sales are counted once the journal can be read")
	}
	return m
}

// ServeHTTP answers in Prometheus's text format: the machine first, then the process and what it has cost so far, the
// bytes written to the card among it.
func (m *machine) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer
	m.tell(&page)
	metrics.WriteProcessMetrics(&page)
	metrics.WriteFDMetrics(&page)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(page.Bytes()) // who asked may have gone
}

// family begins the samples of one name.
func family(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP kioskd_%s %s\n# TYPE kioskd_%s %s\n", name, help, name, kind)
}

// gauge writes a whole family of one sample.
func gauge(w io.Writer, name string, value float64, help string) {
	family(w, name, "gauge", help)
	metrics.WriteGaugeFloat64(w, "kioskd_"+name, value)
}

func (m *machine) tell(w io.Writer) {
	s := m.port.Kiosk.State()
	now := statusOf(s).Step
	family(w, "build_info", "gauge", "1, with the program's version.")
	metrics.WriteGaugeUint64(w, fmt.Sprintf("kioskd_build_info{version=%q}", m.port.Version), 1)
	family(w, "step", "gauge", "1 for the step that the machine is in, 0 for the others.")
	for _, stage := range stages() {
		var value uint64
		if string(stage) == now {
			value = 1
		}
		metrics.WriteGaugeUint64(w, fmt.Sprintf("kioskd_step{phase=%q,step=%q}", stage.Phase(), stage), value)
	}
	family(w, "faults", "gauge", "1 for each reason that stands against selling.")
	var names []reason.Why
	for _, f := range s.Faults {
		if !slices.Contains(names, f.Name) { // a name twice would spoil the whole scrape
			names = append(names, f.Name)
			metrics.WriteGaugeUint64(w, fmt.Sprintf("kioskd_faults{name=%q}", f.Name), 1)
		}
	}
	if of := m.port.Temperature; of != nil {
		if celsius, known := of(); known {
			gauge(w, "temperature_celsius", celsius,
				"What perishable products stand in; left out while it is not known.")
		}
	}
	gauge(w, "unpaid_sales_in_a_row", float64(s.Unpaid),
		"Sales in a row that nobody paid for, as far as they are counted: 3 shorten the time for the PIN.")
	gauge(w, "pin_timeout_seconds", s.PinTime().Seconds(), "How long the next customer has for the PIN.")
	if of := m.port.KeptOut; of != nil {
		family(w, "ups_refused_connections_total", "counter",
			"Connections since the start that [ups] allow kept out; left out where nothing listens.")
		metrics.WriteCounterUint64(w, "kioskd_ups_refused_connections_total", of())
	}
	if f := m.port.fleet(context.Background()); f != nil {
		connected := 0.0
		if f.Connected {
			connected = 1
		}
		gauge(w, "fleet_connected", connected, "1 while the machine is connected to its fleet; left out of one in none.")
		if f.Waiting != nil {
			gauge(w, "fleet_waiting_entries", float64(*f.Waiting),
				"Entries of the journal that the operator's database has not got; left out while that is not known.")
		}
	}
	gauge(w, "closed_slots", float64(len(s.Closed)), "Slots that sell nothing until a technician has looked at them.")

	var doubts []journal.Sale
	err := m.port.read(context.Background(), func(ctx context.Context) (err error) {
		doubts, err = m.port.Sales.InDoubt(ctx)
		return err
	})
	if err == nil {
		gauge(w, "sales_in_doubt", float64(len(doubts)), "Sales in the journal that could not be decided.")
		err = m.count(context.Background())
	}
	if err != nil {
		m.port.Log.Warn().Err(err).Msg("the journal could not be read for the metrics")
	}
	family(w, "sales_total", "counter", "Sales that have ended since the start, by how they ended.")
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, state := range endings() {
		metrics.WriteCounterUint64(w, fmt.Sprintf("kioskd_sales_total{state=%q}", state), uint64(m.ended[state]))
	}
}

// count adds the sales that have ended since it last looked; the first look only marks where to begin. Of more than
// salesMax of them it counts the newest: a machine that nobody scrapes for months is not worth a longer look.
func (m *machine) count(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	ended, known, err := m.look(ctx, countFirst)
	if err == nil && m.based && !known {
		ended, _, err = m.look(ctx, salesMax)
	}
	if err != nil {
		return err
	}
	if m.based {
		for _, s := range ended {
			m.ended[fsm.SaleState(s.State)]++
		}
	}
	if len(ended) > 0 {
		m.latest = ended[0].ID
	}
	m.based = true
	return nil
}

// look gives the ended ones of the newest sales that are newer than the latest that was counted, and whether these are
// all.
func (m *machine) look(ctx context.Context, limit int) (ended []journal.Sale, all bool, err error) {
	var sales []journal.Numbered
	err = m.port.read(ctx, func(ctx context.Context) (err error) {
		sales, err = m.port.Sales.SalesBefore(ctx, math.MaxInt64, limit)
		return err
	})
	for _, s := range sales {
		if s.ID == m.latest {
			return ended, true, err
		}
		if fsm.SaleState(s.State) != fsm.Open {
			ended = append(ended, s.Sale)
		}
	}
	return ended, len(sales) < limit, err
}
