package fleet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"kioskd/internal/chain"
	"kioskd/internal/journal"
	"kioskd/internal/money"
)

// currency is that of all kiosks of the fleet.
const currency = "SEK"

// Books are the three records of a fleet's money, each made by somebody else: what Glase's ledger says was paid, what
// the machines recorded, and what the operator's database holds. By invoice, in öre, less what was given back.
type Books struct {
	Ledger, Journals, Database map[string]int64
	Machines                   map[string]string // by invoice: the machine that recorded it

	Held    map[string]int64 // by invoice: what Glase holds reserved
	Fell    map[string]int64 // by machine: what fell out of it, at its prices
	Unknown map[string]int64 // by machine: what may have, and is charged to nobody since it was killed meanwhile
	Entries map[string]Chains
}

// Chains are a machine's entries, as it has them and as the database does, oldest first.
type Chains struct{ Journal, Database []Link }

// Link is one entry's place in its chain.
type Link struct {
	Seq  int64
	Hash []byte
}

// NewBooks are books with nothing in them.
func NewBooks() *Books {
	return &Books{Ledger: map[string]int64{}, Journals: map[string]int64{}, Database: map[string]int64{},
		Machines: map[string]string{}, Held: map[string]int64{}, Fell: map[string]int64{},
		Unknown: map[string]int64{}, Entries: map[string]Chains{}}
}

// Minor is an amount in öre. What is none is an error.
func Minor(decimal string) (int64, error) {
	m, err := money.ParseXML(decimal, currency)
	return m.Minor, err
}

// ReadLedger adds up Glase's ledger.
func (b *Books) ReadLedger(all []Movement) error {
	reserved := map[string]bool{}
	for _, m := range all {
		sum, err := Minor(m.Amount)
		if err != nil || m.Currency != currency {
			return fmt.Errorf("the ledger's %q %q is no amount in %s", m.Amount, m.Currency, currency)
		}
		switch m.Kind {
		case "reserve":
			b.Held[m.Invoice] += sum
			reserved[m.Invoice] = true
		case "release":
			b.Held[m.Invoice] -= sum
		case "charge":
			b.Ledger[m.Invoice] += sum
			if reserved[m.Invoice] {
				b.Held[m.Invoice] -= sum
			}
		case "refund", "reversal":
			b.Ledger[m.Invoice] -= sum
		default:
			return fmt.Errorf("the ledger has a movement of an unknown kind: %q", m.Kind)
		}
	}
	return nil
}

// ReadJournal reads the journal of a machine, whether its kioskd runs or not.
func (b *Books) ReadJournal(ctx context.Context, machine, path string) error {
	copied := filepath.Join(filepath.Dir(path), "books.db")
	for _, old := range []string{copied, copied + ".lock", copied + "-wal", copied + "-shm", copied + ".witness"} {
		_ = os.Remove(old) // of an earlier look
	}
	if _, err := journal.Export(ctx, path, copied); err != nil {
		return err
	}
	j, err := journal.Open(ctx, copied, journal.Options{Version: "books"})
	if err != nil {
		return err
	}
	defer j.Close()
	sales, err := j.Sales(ctx, 1000)
	if err != nil {
		return err
	}
	for _, s := range sales {
		net, err := paid(s.Charged, s.Refunded, s.Currency)
		if err != nil {
			return fmt.Errorf("sale %s of %s: %w", s.ID, machine, err)
		}
		if s.Ended.IsZero() {
			return fmt.Errorf("sale %s of %s has not ended", s.ID, machine)
		}
		b.Journals[s.InvoiceReference] += net
		b.Machines[s.InvoiceReference] = machine
		for _, i := range s.Items {
			if i.Outcome == "unknown" {
				price, err := Minor(i.Price)
				if err != nil {
					return fmt.Errorf("sale %s of %s: %w", s.ID, machine, err)
				}
				b.Unknown[machine] += price
			}
		}
	}
	both := b.Entries[machine]
	both.Journal = nil
	for after := int64(0); ; {
		entries, err := j.Copies(ctx, after, 500)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		both.Journal = append(both.Journal, links(entries)...)
		after = entries[len(entries)-1].Seq
	}
	b.Entries[machine] = both
	return nil
}

func links(entries []chain.Entry) (all []Link) {
	for _, e := range entries {
		all = append(all, Link{e.Seq, e.Hash})
	}
	return all
}

// paid is what a sale's customer paid in the end.
func paid(charged, refunded, code string) (int64, error) {
	if code != currency {
		return 0, fmt.Errorf("it is in %q", code)
	}
	c, err := Minor(charged)
	if err != nil {
		return 0, err
	}
	r, err := Minor(refunded)
	return c - r, err
}

// Differences is a sentence for every difference between the records; none means that they agree to the öre, and the
// database with the journals entry by entry.
func (b *Books) Differences() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	invoices := map[string]bool{}
	for _, of := range []map[string]int64{b.Ledger, b.Journals, b.Database, b.Held} {
		for invoice := range of {
			invoices[invoice] = true
		}
	}
	for _, i := range slices.Sorted(maps.Keys(invoices)) {
		if b.Ledger[i] != b.Journals[i] || b.Journals[i] != b.Database[i] {
			say("invoice %s of %s: Glase's ledger says %s, the journal %s, the database %s", i, b.Machines[i],
				decimal(b.Ledger[i]), decimal(b.Journals[i]), decimal(b.Database[i]))
		}
		if b.Held[i] != 0 {
			say("invoice %s of %s: %s is still reserved", i, b.Machines[i], decimal(b.Held[i]))
		}
	}
	for _, m := range slices.Sorted(maps.Keys(b.Entries)) {
		if why := b.Entries[m].difference(); why != "" {
			say("machine %s: %s", m, why)
		}
		charged := b.of(b.Journals)[m]
		if fell, ok := b.Fell[m]; ok && (fell < charged || fell > charged+b.Unknown[m]) {
			say("machine %s: what fell out of it is worth %s, and %s was charged", m, decimal(fell), decimal(charged))
		}
	}
	return all
}

// difference is the first one between the two chains; "": they are the same.
func (c Chains) difference() string {
	for i := range max(len(c.Journal), len(c.Database)) {
		switch {
		case i >= len(c.Database):
			return fmt.Sprintf("the database lacks entry %d and what follows, of %d", c.Journal[i].Seq, len(c.Journal))
		case i >= len(c.Journal):
			return fmt.Sprintf("the database has an entry %d, which the machine has not", c.Database[i].Seq)
		case c.Journal[i].Seq != c.Database[i].Seq:
			return fmt.Sprintf("where the journal has entry %d, the database has %d", c.Journal[i].Seq,
				c.Database[i].Seq)
		case !bytes.Equal(c.Journal[i].Hash, c.Database[i].Hash):
			return fmt.Sprintf("entry %d has another hash in the database", c.Journal[i].Seq)
		}
	}
	return ""
}

// of adds up by machine.
func (b *Books) of(record map[string]int64) map[string]int64 {
	sums := map[string]int64{}
	for invoice, sum := range record {
		sums[b.Machines[invoice]] += sum
	}
	return sums
}

func decimal(minor int64) string { return money.Amount{Minor: minor, Currency: currency}.Decimal() }

// Print tells the sums by machine, and in all.
func (b *Books) Print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "machine\tfell out\tGlase's ledger\tits journal\tthe database\tits entries\tthe database's\t")
	ledger, journals, database := b.of(b.Ledger), b.of(b.Journals), b.of(b.Database)
	var all struct{ fell, ledger, journals, database, entries, had int64 }
	for _, m := range slices.Sorted(maps.Keys(b.Entries)) {
		e := b.Entries[m]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", m, decimal(b.Fell[m]), decimal(ledger[m]),
			decimal(journals[m]), decimal(database[m]), len(e.Journal), len(e.Database))
		all.fell += b.Fell[m]
		all.entries, all.had = all.entries+int64(len(e.Journal)), all.had+int64(len(e.Database))
	}
	for _, sum := range []struct {
		of  map[string]int64
		all *int64
	}{{b.Ledger, &all.ledger}, {b.Journals, &all.journals}, {b.Database, &all.database}} {
		for _, minor := range sum.of {
			*sum.all += minor
		}
	}
	fmt.Fprintf(t, "in all\t%s\t%s\t%s\t%s\t%d\t%d\t\n", decimal(all.fell), decimal(all.ledger), decimal(all.journals),
		decimal(all.database), all.entries, all.had)
	t.Flush()
}
