package page

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kioskd/internal/fleet/protocol"
	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
	"kioskd/internal/story"
)

const (
	salesMax = 50  // on one page
	storyMax = 400 // a sale of many products has some fifty
)

type machinePage struct {
	frame
	M       *watch.Machine
	Retired bool
	Stock   []store.StockRow
	Sales   []store.SaleRow
	Items   map[string][]store.ItemRow
	Older   string
	Wishes  []wishLine
	Orders  []orderLine
	Words   []orderWord // that this person may give
	Cannot  string      // why none can be given now
}

// one gives the machine of a path.
func (p *Page) one(ctx context.Context, r *http.Request) (*watch.Machine, error) {
	id, err := strconv.ParseInt(r.PathValue("machine"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("page: %w", sql.ErrNoRows)
	}
	if s := p.Watch.Look(); s != nil {
		if i := slices.IndexFunc(s.Machines, func(m *watch.Machine) bool { return m.ID == id }); i >= 0 {
			return s.Machines[i], nil
		}
	}
	row, err := p.Store.Machine(ctx, id)
	return &watch.Machine{MachineRow: row}, err
}

func (p *Page) machine(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	m, err := p.one(ctx, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f := machinePage{frame: p.frame(r, m.Label()), M: m, Retired: !m.Retired.IsZero(),
		Items: map[string][]store.ItemRow{}}
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil || before <= 0 {
		before = math.MaxInt64
	}
	if f.Stock, err = p.Store.Stock(ctx, m.ID, p.Now().Add(-28*24*time.Hour)); err != nil {
		p.fail(w, r, err)
		return
	}
	if !f.Retired {
		if err := p.desk(ctx, &f); err != nil {
			p.fail(w, r, err)
			return
		}
	}
	if f.Sales, err = p.Store.SalesBefore(ctx, m.ID, before, salesMax+1); err != nil {
		p.fail(w, r, err)
		return
	}
	if len(f.Sales) > salesMax {
		f.Sales = f.Sales[:salesMax]
		f.Older = fmt.Sprintf("/m/%d?before=%d#sales", m.ID, f.Sales[salesMax-1].Seq)
	}
	if n := len(f.Sales); n > 0 {
		items, err := p.Store.Items(ctx, m.ID, f.Sales[n-1].Seq, f.Sales[0].Seq+1)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		for _, i := range items {
			f.Items[i.Sale] = append(f.Items[i.Sale], i)
		}
	}
	p.show(w, "machine.html", f)
}

// told is a line of a sale's story.
type told struct {
	At   time.Time
	Text string
	Seq  int64
}

type salePage struct {
	frame
	Sale  store.SaleRow
	Items []store.ItemRow
	Story []told
	Words []orderWord // that this person may give
}

func (p *Page) sale(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	m, err := p.one(ctx, r)
	var f salePage
	if err == nil {
		f.Sale, err = p.Store.Sale(ctx, m.ID, r.PathValue("sale"))
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	f.frame = p.frame(r, "Sale "+f.Sale.Sale)
	if f.Person.Role >= people.Operate && m.Retired.IsZero() && p.Office != nil {
		f.Words = slices.DeleteFunc(wordsOf(true), func(o orderWord) bool {
			return o.Word == protocol.Resolve && f.Sale.State != "in_doubt" ||
				o.Word == protocol.Refund && f.Sale.Charged <= f.Sale.Refunded
		})
	}
	if f.Items, err = p.Store.Items(ctx, m.ID, f.Sale.Seq, f.Sale.Seq+1); err != nil {
		p.fail(w, r, err)
		return
	}
	last, err := p.Store.LastOf(ctx, m.ID, f.Sale.Sale)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	entries, err := p.Store.Entries(ctx, m.ID, f.Sale.Seq, last, storyMax)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	for _, e := range entries {
		f.Story = append(f.Story, told{time.UnixMilli(e.Wall), story.Line(e.Event, e.Body, e.After), e.Seq})
	}
	p.show(w, "sale.html", f)
}
