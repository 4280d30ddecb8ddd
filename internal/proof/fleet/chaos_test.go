package fleet

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"kioskd/internal/proof/broker"
)

var (
	kiosksFlag = flag.Int("kiosks", 30, "simulated kiosks")
	salesFlag  = flag.Int("sales", 400, "what they sell in all")
	minuteFlag = flag.Duration("minute", 2*time.Second, "how long one trouble lasts, and what comes after it, at most")
	roundsFlag = flag.Int("troubles", 12, "how many troubles there are")
	seedFlag   = flag.Uint64("seed", 0, "of the order of the troubles; 0: another one each time")
	binFlag    = flag.String("bin", "", "the folder of the programs; else they are built")
)

// healWithin is how long everything may take to be as it should, with nobody's help, once the last trouble is over.
const healWithin = 5 * time.Minute

// TestTheDatabaseIsTheUnionOfTheJournalsWhateverFails sells while everything is killed, frozen, cut off, deleted and
// restored in turns. In the end PostgreSQL holds what the journals hold, row by row, and nothing else; and whoever
// asked a kiosk for something through a gateway was answered by that kiosk, in time, or not at all.
func TestTheDatabaseIsTheUnionOfTheJournalsWhateverFails(t *testing.T) {
	hosts := os.Geteuid() == 0
	if hosts && !inOwnNetwork(t) {
		return
	}
	if hosts {
		if err := Switch(); err != nil {
			t.Fatal(err)
		}
	} else {
		t.Log("only root can make networks: nothing is cut off, late or lost in this run")
	}
	f := backOffice(t, hosts)
	c := newChaos(t, f, simulate(t, f.Brokers, *kiosksFlag))
	c.run()
	c.heal()
	c.compare()
	judge(t, c.askers)
}

// backOffice is a fleet without kiosks, for a test.
func backOffice(t *testing.T, hosts bool) *Fleet {
	t.Helper()
	bin := programs(t)
	nats, err := broker.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Start(t.Context(), Options{Bin: bin, NATS: nats, Dir: t.TempDir(), Brokers: 3, Gates: 2, Hubs: 2,
		Hosts: hosts, Say: t.Logf})
	t.Cleanup(func() { f.End(nil) })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// chaos is one run.
type chaos struct {
	t      *testing.T
	fleet  *Fleet
	kiosks []*simulated
	random *rand.Rand // of the troubles
	backup []byte     // of the database, from some while ago
	askers []*asker
}

func newChaos(t *testing.T, f *Fleet, kiosks []*simulated) *chaos {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d: %d kiosks sell %d times during %d troubles of up to %v", seed, len(kiosks), *salesFlag,
		*roundsFlag, *minuteFlag)
	return &chaos{t: t, fleet: f, kiosks: kiosks, random: rand.New(rand.NewPCG(seed, 0))}
}

// run sells, asks, and makes trouble, until the last trouble is over and all is sold.
func (c *chaos) run() {
	ctx, end := context.WithCancel(c.t.Context())
	defer end()
	var work sync.WaitGroup
	work.Go(c.sell)
	c.askers = begin(ctx, c.fleet, c.kiosks, &work)
	troubles := c.troubles()
	for n := range *roundsFlag {
		if n%len(troubles) == 0 { // each of them comes before one comes again
			c.random.Shuffle(len(troubles), func(i, j int) { troubles[i], troubles[j] = troubles[j], troubles[i] })
		}
		if n%backupEvery == 0 {
			c.backUp()
		}
		c.make(troubles[n%len(troubles)])
	}
	end()
	work.Wait()
}

// sell spreads the sales over the run's time and the kiosks.
func (c *chaos) sell() {
	all := time.Duration(*roundsFlag) * *minuteFlag
	began := time.Now()
	for n := range *salesFlag {
		time.Sleep(time.Until(began.Add(all * time.Duration(n) / time.Duration(*salesFlag))))
		c.kiosks[rand.IntN(len(c.kiosks))].sell()
	}
}

// heal waits until the database holds everything and every kiosk knows it. It helps with nothing.
func (c *chaos) heal() {
	began := time.Now()
	db := c.open()
	lacks := func() (inDatabase, known int64) {
		var here int64
		const held = "SELECT coalesce(sum(seq), 0) FROM machines WHERE retired IS NULL"
		if err := db.QueryRowContext(c.t.Context(), held).Scan(&here); err != nil {
			here = 0
		}
		for _, k := range c.kiosks {
			inDatabase += k.roll.last()
			known += k.roll.last() - k.outbox.Held()
		}
		return inDatabase - here, known
	}
	missing, unknown := lacks()
	c.t.Logf("the last trouble is over: the database lacks %d entries, and kiosks do not know of %d", missing, unknown)
	if err := Until(c.t.Context(), healWithin, nil, func() bool {
		missing, unknown = lacks()
		return missing == 0 && unknown == 0
	}); err == nil {
		c.t.Logf("healed %v after the last trouble, with nobody's help", time.Since(began).Round(time.Millisecond))
		return
	}
	c.t.Errorf("%v after the last trouble the database lacks %d entries, and kiosks do not know of %d", healWithin,
		missing, unknown)
	for _, k := range c.kiosks {
		if d := k.outbox.Delivery(c.t.Context()); d.Held != d.Last {
			c.t.Errorf("%s, for example, whose line is %+v: %+v", k.id, k.line.State(), d)
			return
		}
	}
}

// open opens the database as whoever audits it sees it, without any code of the hub's.
func (c *chaos) open() *sql.DB {
	c.t.Helper()
	db, err := sql.Open("pgx", c.fleet.Database.DSN())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { db.Close() })
	return db
}

// compare holds the database against the journals.
func (c *chaos) compare() {
	db := c.open()
	var entries, sold, sales, charged int64
	for _, k := range c.kiosks {
		wrong, n := audit(c.t, db, k)
		for _, why := range wrong {
			c.t.Errorf("%s: %s", k.id, why)
		}
		if k.forks.Load() > 0 {
			c.t.Errorf("%s was taken for two machines", k.id)
		}
		entries += n
		sold += k.roll.sales()
	}
	const sum = "SELECT count(*), coalesce(sum(charged - refunded), 0) FROM sales WHERE state = 'charged'"
	if err := db.QueryRowContext(c.t.Context(), sum).Scan(&sales, &charged); err != nil {
		c.t.Fatal(err)
	}
	if sales != sold || charged != sold*priceOf {
		c.t.Errorf("the database has %d sales for %s, and there were %d for %s", sales, decimal(charged), sold,
			decimal(sold*priceOf))
	}
	c.t.Logf("%d entries of %d sales: each is in the database once, with its hash; %s were charged", entries, sold,
		decimal(charged))
}

// audit compares a kiosk's rows with its journal, and gives their number.
func audit(t *testing.T, db *sql.DB, k *simulated) (wrong []string, n int64) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT e.seq, e.hash FROM entries e JOIN machines m USING (machine) "+
		"WHERE m.kiosk = $1 ORDER BY e.seq", k.id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	hashes := k.roll.all()
	for rows.Next() {
		var seq int64
		var hash []byte
		if err := rows.Scan(&seq, &hash); err != nil {
			t.Fatal(err)
		}
		n++
		switch {
		case seq != n:
			return append(wrong, fmt.Sprintf("row %d is entry %d", n, seq)), n
		case seq > int64(len(hashes)):
			return append(wrong, fmt.Sprintf("entry %d is in no journal", seq)), n
		case !bytes.Equal(hash, hashes[seq-1][:]):
			return append(wrong, fmt.Sprintf("entry %d has another hash", seq)), n
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if n != int64(len(hashes)) {
		wrong = append(wrong, fmt.Sprintf("%d entries of %d are there", n, len(hashes)))
	}
	return wrong, n
}

// programs gives the folder of the fleet's programs.
func programs(t *testing.T) string {
	t.Helper()
	if *binFlag != "" {
		return *binFlag
	}
	bin := t.TempDir()
	if err := Build(t.Context(), bin); err != nil {
		t.Fatal(err)
	}
	return bin
}
