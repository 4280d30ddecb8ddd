package debug

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kioskd/fsm"
	"kioskd/internal/journal"
)

// countFirst is how many sales a scrape looks at before it looks at salesMax: more than are made between two scrapes.
const countFirst = 8

// stages and endings are the values of the labels "step" and "state".
func stages() []fsm.Stage {
	return []fsm.Stage{
		fsm.Ready, fsm.OutOfService, fsm.Maintenance, fsm.Resolving, fsm.Invoicing, fsm.Awaiting, fsm.Choosing, fsm.Asking,
		fsm.Vending, fsm.Updating, fsm.Committing, fsm.Confirming, fsm.Releasing, fsm.Refunding, fsm.Receipting,
	}
}

func endings() []fsm.SaleState {
	return []fsm.SaleState{fsm.Charged, fsm.Released, fsm.Refunded, fsm.Cancelled, fsm.Failed, fsm.Lost, fsm.InDoubt}
}

// machine collects the metrics at each scrape; between scrapes it costs nothing. Labels hold words of the program and
// its version alone: no slot, no sale, nothing of a customer. What the journal cannot tell is left out, and the others
// are still told.
type machine struct {
	port *port

	info, step, faults, closed, sales, doubts, celsius *prometheus.Desc
	unpaid, pinTime, keptOut                           *prometheus.Desc

	mu     sync.Mutex
	ended  map[fsm.SaleState]int // sales that ended since the port was made, by state
	latest string                // the last of them, or the last one before; empty: there was none
	based  bool                  // latest is known
}

// metrics makes the handler of /metrics, with a registry of its own.
func (p *port) metrics() (http.Handler, error) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kioskd_"+name, help, labels, nil)
	}
	m := &machine{
		port:   p,
		ended:  map[fsm.SaleState]int{},
		info:   desc("build_info", "1, with the program's version.", "version"),
		step:   desc("step", "1 for the step that the machine is in, 0 for the others.", "phase", "step"),
		faults: desc("faults", "1 for each reason that stands against selling.", "name"),
		closed: desc("closed_slots", "Slots that sell nothing until a technician has looked at them."),
		sales:  desc("sales_total", "Sales that have ended since the start, by how they ended.", "state"),
		doubts: desc("sales_in_doubt", "Sales in the journal that could not be decided."),

		unpaid:  desc("unpaid_sales_in_a_row", "Sales in a row that nobody paid for, as far as they are counted: 3 shorten the time for the PIN."),
		pinTime: desc("pin_timeout_seconds", "How long the next customer has for the PIN."),
		keptOut: desc("ups_refused_connections_total", "Connections since the start that [ups] allow kept out; left out where nothing listens."),

		celsius: desc("temperature_celsius", "What perishable products stand in; left out while it is not known."),
	}
	if err := m.count(context.Background()); err != nil {
		p.Log.Warn().Err(err).Msg("sales are counted once the journal can be read")
	}
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("debug: metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

// Describe is for the registry.
func (m *machine) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.info, m.step, m.faults, m.closed, m.sales, m.doubts, m.celsius, m.unpaid, m.pinTime, m.keptOut} {
		ch <- d
	}
}

// Collect is for the registry, at each scrape.
func (m *machine) Collect(ch chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		metric, err := prometheus.NewConstMetric(d, kind, value, labels...)
		if err != nil { // never a reason to end the daemon
			metric = prometheus.NewInvalidMetric(d, err)
		}
		ch <- metric
	}
	s := m.port.Kiosk.State()
	now := statusOf(s).Step
	tell(m.info, prometheus.GaugeValue, 1, m.port.Version)
	for _, stage := range stages() {
		value := 0.0
		if string(stage) == now {
			value = 1
		}
		tell(m.step, prometheus.GaugeValue, value, string(stage.Phase()), string(stage))
	}
	var names []string
	for _, f := range s.Faults {
		if !slices.Contains(names, f.Name) { // a name twice would spoil the whole scrape
			names = append(names, f.Name)
			tell(m.faults, prometheus.GaugeValue, 1, f.Name)
		}
	}
	if of := m.port.Temperature; of != nil {
		if celsius, known := of(); known {
			tell(m.celsius, prometheus.GaugeValue, celsius)
		}
	}
	tell(m.unpaid, prometheus.GaugeValue, float64(s.Unpaid))
	tell(m.pinTime, prometheus.GaugeValue, s.PinTime().Seconds())
	if of := m.port.KeptOut; of != nil {
		tell(m.keptOut, prometheus.CounterValue, float64(of()))
	}
	tell(m.closed, prometheus.GaugeValue, float64(len(s.Closed)))

	var doubts []journal.Sale
	err := m.port.read(context.Background(), func(ctx context.Context) (err error) {
		doubts, err = m.port.Sales.InDoubt(ctx)
		return err
	})
	if err == nil {
		tell(m.doubts, prometheus.GaugeValue, float64(len(doubts)))
		err = m.count(context.Background())
	}
	if err != nil {
		m.port.Log.Warn().Err(err).Msg("the journal could not be read for the metrics")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, state := range endings() {
		tell(m.sales, prometheus.CounterValue, float64(m.ended[state]), string(state))
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
	var sales []journal.Sale
	err = m.port.read(ctx, func(ctx context.Context) (err error) {
		sales, err = m.port.Sales.Sales(ctx, limit)
		return err
	})
	for _, s := range sales {
		if s.ID == m.latest {
			return ended, true, err
		}
		if fsm.SaleState(s.State) != fsm.Open {
			ended = append(ended, s)
		}
	}
	return ended, len(sales) < limit, err
}
