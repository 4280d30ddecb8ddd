package watch

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"
)

func family(w io.Writer, name, help string) {
	fmt.Fprintf(w, "# HELP kioskhub_%s %s\n# TYPE kioskhub_%s gauge\n", name, help, name)
}

func gauge(w io.Writer, name string, value float64, help string) {
	family(w, name, help)
	metrics.WriteGaugeFloat64(w, "kioskhub_"+name, value)
}

// labelled writes a family of one label.
func labelled(w io.Writer, name, label string, values map[string]float64, help string) {
	family(w, name, help)
	for _, value := range slices.Sorted(maps.Keys(values)) {
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("kioskhub_%s{%s=%q}", name, label, value), values[value])
	}
}

// label is a machine's word as a label: what a newer program says goes by one name.
func label(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_") != "" || len(word) > 40 {
		return "other"
	}
	return word
}

// WriteMetrics tells the newest snapshot in Prometheus's text format. Every copy of the hub tells the same of the
// fleet. No label names a machine: which one it is, is on the page.
func (w *Watch) WriteMetrics(out io.Writer) {
	s := w.Look()
	if s == nil {
		return
	}
	gauge(out, "look_age_seconds", w.Now().Sub(s.At).Seconds(), "How old what is told of the fleet is.")
	gauge(out, "look_seconds", s.Took.Seconds(), "How long it took to read that from the database.")
	grades, faults, alarms := map[string]float64{}, map[string]float64{}, map[string]float64{}
	troubles := map[string]float64{}
	for g := Alarm; g <= Well; g++ {
		grades[g.String()] = 0
	}
	sold, paid := map[string]float64{}, map[string]float64{}
	var silent, slots, unheard int
	var behind int64
	lag := 0.0
	for _, m := range s.Machines {
		grades[m.Grade.String()]++
		for _, t := range m.Troubles {
			if t.Word != "" {
				faults[label(t.Word)]++
			}
			if t.Grade == Unheard {
				unheard++
			}
		}
		for _, word := range m.Ailing {
			troubles[word]++
		}
		if m.Silent {
			silent++
		}
		behind, slots = behind+m.Behind, slots+len(m.Running)
		if m.Behind > 0 && !m.Taken.IsZero() {
			lag = max(lag, s.At.Sub(m.Taken).Seconds())
		}
		for _, r := range m.Sold {
			sold[r.Currency], paid[r.Currency] = sold[r.Currency]+float64(r.Number), paid[r.Currency]+float64(r.Paid)
		}
	}
	for _, a := range s.Alarms {
		alarms[a.Kind]++
	}
	labelled(out, "machines", "grade", grades, "Machines in use, by what is worst with each.")
	gauge(out, "machines_connected", float64(len(s.Machines)-unheard), "Machines of which something was heard lately.")
	gauge(out, "machines_unheard", float64(unheard), "Machines of which nothing is heard.")
	gauge(out, "machines_silent", float64(silent), "Machines that by their own habit have sold nothing for long.")
	gauge(out, "machines_stopped", grades[Stopped.String()], "Machines that sell nothing, and no alarm says why.")
	labelled(out, "faults", "name", faults, "What stands against selling, each as often as it stands.")
	labelled(out, "computer_troubles", "name", troubles, "What is wrong with machines' computers: cards, heat, supplies.")
	labelled(out, "alarms", "kind", alarms, "Alarms that stand until a person ends them.")
	gauge(out, "alarms_standing", float64(len(s.Alarms)), "All of them.")
	gauge(out, "sales_in_doubt", float64(s.InDoubt), "Sales that wait for a person.")
	gauge(out, "entries_behind", float64(behind), "Entries that machines have and the database has not, as they say.")
	gauge(out, "entries_lag_seconds", lag, "The longest time since an entry came, of machines that have more.")
	gauge(out, "slots_running_out", float64(slots), "Slots that are empty, or will be within three days.")
	labelled(out, "sales_today", "currency", sold, "Sales since midnight that moved money.")
	labelled(out, "paid_today_minor_units", "currency", paid, "What they brought, refunds taken off.")
}
