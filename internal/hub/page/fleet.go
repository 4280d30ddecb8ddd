package page

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/hub/people"
	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
)

// How much one page shows.
const (
	wrongMax   = 300
	wellMax    = 100 // on each page
	runningMax = 40
	productMax = 15
	readWithin = 15 * time.Second
)

type tile struct{ Value, Label, Class string }

// line is a day's, or a product's.
type line struct {
	Label  string
	Number int64
	Paid   string
	Bar    int // percent of the most
}

type running struct {
	ID                  int64
	Machine, Slot, Name string
	Left                int
	Lasts               string
	days                float64
}

type fleetPage struct {
	frame
	Group, Problem string
	Groups         []string
	Tiles          []tile
	Lost           []store.Alarm // of kiosks that have no machine here
	Wrong, Well    []*watch.Machine
	MoreWrong      int
	WellNumber     int
	Earlier, Later string
	Doubts         []store.SaleRow
	Days, Products []line
	Running        []running
	MoreRunning    int
	Verdicts       []store.VerdictRow
	Operates       bool
	From, To       string
}

func (p *Page) fleet(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readWithin)
	defer cancel()
	group := r.URL.Query().Get("group")
	f := fleetPage{frame: p.frame(r, "Machines"), Group: group}
	f.Operates = f.Person.Role >= people.Operate
	now := p.Now().In(p.Zone)
	f.To, f.From = now.Format(time.DateOnly), now.AddDate(0, 0, 1-now.Day()).Format(time.DateOnly)
	s := p.Watch.Look()
	if s == nil {
		s = &watch.Snapshot{At: p.Now()}
		f.Problem = "The hub has only just begun, or cannot read its database: nothing is known yet."
	} else if age := p.Now().Sub(s.At); age > staleAfter+10*s.Took {
		f.Problem = fmt.Sprintf("The database has not answered for %s: this is how it was then.", p.ago(s.At))
	}
	f.Groups = s.Groups
	f.fill(s, r.URL.Query())
	m, err := p.Watch.Money(ctx, group)
	if err != nil {
		p.Log.Warn().Err(err).Msg("the desk cannot add up the money")
		f.Problem = cmp.Or(f.Problem, "The money cannot be added up now: the hub's log says why.")
	}
	p.sums(&f, m)
	f.Tiles = p.tiles(s, group, m)
	p.show(w, "fleet.html", f)
}

const staleAfter = time.Minute

// fill takes what belongs to the group.
func (f *fleetPage) fill(s *watch.Snapshot, q url.Values) {
	kiosks := map[string]bool{}
	var well []*watch.Machine
	for _, m := range s.Machines {
		kiosks[m.Kiosk] = true
		if f.Group != "" && m.Group != f.Group {
			continue
		}
		for _, r := range m.Running {
			f.Running = append(f.Running, running{m.ID, m.Label(), r.Slot, r.Name, r.Left, lasts(r.Days), r.Days})
		}
		switch {
		case m.Grade == watch.Well:
			well = append(well, m)
		case len(f.Wrong) < wrongMax:
			f.Wrong = append(f.Wrong, m)
		default:
			f.MoreWrong++
		}
	}
	slices.SortStableFunc(f.Running, func(a, b running) int { return cmp.Compare(a.days, b.days) })
	if f.MoreRunning = len(f.Running) - runningMax; f.MoreRunning > 0 {
		f.Running = f.Running[:runningMax]
	}
	f.MoreRunning = max(0, f.MoreRunning)
	slices.SortStableFunc(well, func(a, b *watch.Machine) int { return cmp.Compare(a.Label(), b.Label()) })
	f.WellNumber = len(well)
	at, _ := strconv.Atoi(q.Get("from"))
	at = max(0, min(at, len(well)))
	f.Well = well[at:min(at+wellMax, len(well))]
	if at > 0 {
		f.Earlier = f.pageAt(max(0, at-wellMax))
	}
	if at+wellMax < len(well) {
		f.Later = f.pageAt(at + wellMax)
	}
	for _, d := range s.Doubts {
		if f.Group == "" || d.Group == f.Group {
			f.Doubts = append(f.Doubts, d)
		}
	}
	for _, a := range s.Alarms {
		if f.Group == "" && !kiosks[a.Kiosk] {
			f.Lost = append(f.Lost, a)
		}
	}
	f.Verdicts = s.Verdicts[:min(len(s.Verdicts), runningMax)]
}

func (f *fleetPage) pageAt(at int) string {
	q := url.Values{"from": {strconv.Itoa(at)}}
	if f.Group != "" {
		q.Set("group", f.Group)
	}
	return "/?" + q.Encode() + "#well"
}

// sums writes the days and the products.
func (p *Page) sums(f *fleetPage, m watch.Money) {
	most := map[string]int64{}
	for _, d := range m.Days {
		for _, r := range d.Rows {
			most[r.Currency] = max(most[r.Currency], r.Charged-r.Refunded)
		}
	}
	for _, d := range m.Days {
		l := line{Label: d.From.In(p.Zone).Format("Mon 2 Jan"), Paid: "–"}
		var paid []string
		for _, r := range d.Rows {
			l.Number += r.Number
			paid = append(paid, p.money(r.Charged-r.Refunded, r.Currency))
			l.Bar = max(l.Bar, percent(r.Charged-r.Refunded, most[r.Currency]))
		}
		if paid != nil {
			l.Paid = strings.Join(paid, ", ")
		}
		f.Days = append(f.Days, l)
	}
	clear(most)
	for _, r := range m.Products {
		most[r.Currency] = max(most[r.Currency], r.Charged)
	}
	for _, r := range m.Products[:min(len(m.Products), productMax)] {
		f.Products = append(f.Products, line{r.Product, r.Number, p.money(r.Charged, r.Currency),
			percent(r.Charged, most[r.Currency])})
	}
}

func percent(part, of int64) int {
	if of <= 0 || part <= 0 {
		return 0
	}
	return int(part * 100 / of)
}

// tiles are the numbers that somebody looks for first.
func (p *Page) tiles(s *watch.Snapshot, group string, m watch.Money) []tile {
	grades := map[watch.Grade]int{}
	number, silent := 0, 0
	for _, one := range s.Machines {
		if group == "" || one.Group == group {
			grades[one.Grade]++
			number++
			if one.Silent {
				silent++
			}
		}
	}
	class := func(g watch.Grade, n int) string {
		if n == 0 {
			return ""
		}
		return classes[g]
	}
	all := []tile{{strconv.Itoa(number), "machines", class(watch.Well, number)}}
	if n := grades[watch.Alarm]; n > 0 {
		all = append(all, tile{strconv.Itoa(n), "with an alarm", classes[watch.Alarm]})
	}
	for _, one := range []struct {
		n     int
		label string
		g     watch.Grade
	}{{grades[watch.Stopped], "sell nothing", watch.Stopped}, {grades[watch.Unheard], "not heard", watch.Unheard},
		{grades[watch.Partly], "sell in part", watch.Partly}, {silent, "silent", watch.Watched},
		{s.InDoubt, "sales in doubt", watch.Partly}} {
		all = append(all, tile{strconv.Itoa(one.n), one.label, class(one.g, one.n)})
	}
	if len(m.Days) == 0 {
		return all
	}
	sales, paid := int64(0), []string{}
	for _, r := range m.Days[0].Rows {
		sales += r.Number
		paid = append(paid, p.money(r.Charged-r.Refunded, r.Currency))
	}
	all = append(all, tile{strconv.FormatInt(sales, 10), "sales today", ""})
	if len(paid) > 0 {
		all = append(all, tile{strings.Join(paid, ", "), "paid today", ""})
	}
	return all
}

func (p *Page) endAlarm(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("alarm"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	who := people.From(r.Context())
	if err := p.Store.EndAlarm(r.Context(), id, who.Name, p.Now()); err != nil {
		p.fail(w, r, err)
		return
	}
	p.Log.Info().Str("name", who.Name).Int64("alarm", id).Msg("an alarm was ended")
	if _, err := p.Watch.Refresh(r.Context()); err != nil {
		p.Log.Warn().Err(err).Msg("what is shown is from before an alarm was ended")
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
