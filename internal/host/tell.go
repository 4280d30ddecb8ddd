package host

import (
	"fmt"
	"io"

	"kioskd/internal/debug/api"
)

// Parts are the facts as the technicians' port tells them.
func (w *Watch) Parts() []api.Part {
	if w == nil {
		return nil
	}
	var all []api.Part
	for _, f := range w.Facts() {
		all = append(all, api.Part{Name: f.Name, OK: f.Word == "", What: f.Says, Do: f.Do, Since: f.Since})
	}
	return all
}

// Metrics writes what was seen in Prometheus's text format. What the kernel does not tell is left out.
func (w *Watch) Metrics(out io.Writer) {
	if w == nil {
		return
	}
	gauge := func(name, kind, help string, value float64) {
		fmt.Fprintf(out, "# HELP kioskd_%[1]s %[2]s\n# TYPE kioskd_%[1]s %[3]s\nkioskd_%[1]s %[4]g\n", name, help, kind,
			value)
	}
	s := w.State()
	d, b := s.Disk, s.Board
	if d.Room != nil {
		gauge("disk_free_bytes", "gauge", "What the journal's file system still takes.", float64(d.Room.Free))
		gauge("disk_size_bytes", "gauge", "What it takes in all.", float64(d.Room.Size))
		if d.Room.Most > 0 {
			gauge("disk_free_files", "gauge", "Files that can still be made in it.", float64(d.Room.Files))
		}
	}
	for _, n := range []struct {
		name, kind, help string
		value            *uint64
	}{
		{"disk_errors", "gauge", "Errors that ext4 has found in it since it was last repaired.", d.Errors},
		{"disk_lifetime_written_bytes", "gauge", "Written to the file system since it was made.", d.Lifetime},
		{"disk_written_bytes_total", "counter", "Written to its device since the machine started.", d.Written},
	} {
		if n.value != nil {
			gauge(n.name, n.kind, n.help, float64(*n.value))
		}
	}
	if d.Life != nil && *d.Life > 0 {
		gauge("card_life_used_ratio", "gauge", "How much of its life an eMMC says is used, at most; above 1: more.",
			float64(*d.Life)/lifeStep)
	}
	if d.PreEOL != nil && *d.PreEOL > 0 {
		gauge("card_pre_eol", "gauge", "An eMMC's reserve: 1 is normal, 2 80 % used, 3 nearly all.", float64(*d.PreEOL))
	}
	if b.Celsius != nil {
		gauge("processor_celsius", "gauge", "The processor's temperature.", *b.Celsius)
	}
	family := false
	for _, f := range w.Facts() {
		if f.Word == "" {
			continue
		}
		if !family {
			fmt.Fprint(out, "# HELP kioskd_computer_trouble 1 for each trouble of the computer itself.\n"+
				"# TYPE kioskd_computer_trouble gauge\n")
			family = true
		}
		fmt.Fprintf(out, "kioskd_computer_trouble{name=%q} 1\n", f.Word)
	}
}
