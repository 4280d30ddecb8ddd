package journal

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"kioskd/fsm"
)

// BenchmarkSale is one sale, of one product or two. written/sale is what the kernel counts as sent to the disk
// (write_bytes; nothing on a tmpfs); count syncs with strace -f -c -e fsync,fdatasync.
func BenchmarkSale(b *testing.B) {
	b.Run("one", func(b *testing.B) { benchmarkSale(b, 8, "A1") })
	b.Run("two", func(b *testing.B) { benchmarkSale(b, 8, "A1", "B2") })
	b.Run("64 slots, one", func(b *testing.B) { benchmarkSale(b, 64, "A1") })
	b.Run("64 slots, two", func(b *testing.B) { benchmarkSale(b, 64, "A1", "B2") })
}

func benchmarkSale(b *testing.B, of int, slots ...string) {
	j, path := fresh(b)
	m := newMachine(b, j)
	m.happen(booted(m.now, "b2", shelfOf(of)))
	m.steps = 0
	start := writeBytes(b)
	for b.Loop() {
		m.reserve()
		for _, slot := range slots {
			m.choose(slot)
		}
		m.happen(fsm.CancelPressed{At: m.now})
		m.states = nil
	}
	b.ReportMetric(float64(writeBytes(b)-start)/float64(b.N), "written/sale")
	b.ReportMetric(float64(m.steps)/float64(b.N), "appends/sale")
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(b.N), "filebytes/sale")
}

func writeBytes(t testing.TB) (n int64) {
	t.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(io), "\nwrite_bytes: ")
	if _, err := fmt.Sscan(after, &n); !ok || err != nil {
		t.Fatalf("no write_bytes in %q: %v", io, err)
	}
	return n
}
