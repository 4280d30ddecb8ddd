package page

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"kioskd/internal/hub/store"
	"kioskd/internal/hub/watch"
	"kioskd/internal/money"
)

// clockless is before any sale was made: an earlier stamp is a machine without a clock.
var clockless = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func (p *Page) functions() template.FuncMap {
	return template.FuncMap{
		"when": p.when, "ago": p.ago, "word": word, "money": p.money, "today": p.today,
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"clock": func(t time.Time) string { return t.In(p.Zone).Format("15:04:05") },
		"class": func(g watch.Grade) string { return classes[g] },
		"lasts": func(s store.StockRow) string {
			days, _ := watch.Lasts(s, p.Now())
			return lasts(days)
		},
	}
}

// classes are the grades' names in the style sheet.
var classes = map[watch.Grade]string{watch.Alarm: "alarm", watch.Stopped: "stopped", watch.Unheard: "unheard",
	watch.Partly: "partly", watch.Watched: "watch", watch.Well: "well"}

// when is a moment in the operator's zone: today's by the clock alone.
func (p *Page) when(t time.Time) string {
	if t.Before(clockless) {
		return "no clock"
	}
	t, now := t.In(p.Zone), p.Now().In(p.Zone)
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("Mon 2 Jan 15:04")
	}
	return t.Format("2 Jan 2006 15:04")
}

// ago is how long ago a moment was, in the greatest unit that fits.
func (p *Page) ago(t time.Time) string {
	if t.Before(clockless) {
		return "no clock"
	}
	d := p.Now().Sub(t)
	switch {
	case d < 0:
		return p.when(t) // the machine's clock is ahead
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// word makes one of the program's words readable.
func word(w any) string { return strings.ReplaceAll(fmt.Sprint(w), "_", " ") }

func (p *Page) money(minor int64, currency string) string {
	if !money.Known(currency) {
		return fmt.Sprint(minor)
	}
	return money.Amount{Minor: minor, Currency: currency}.Local(p.Language)
}

// today is what a machine has sold today.
func (p *Page) today(m *watch.Machine) string {
	var all []string
	for _, s := range m.Sold {
		if s.Number > 0 {
			all = append(all, fmt.Sprintf("%d · %s", s.Number, p.money(s.Paid, s.Currency)))
		}
	}
	if all == nil {
		return "–"
	}
	return strings.Join(all, ", ")
}

// lasts is how long stock lasts.
func lasts(days float64) string {
	switch {
	case days <= 0:
		return "sold out"
	case math.IsInf(days, 1):
		return "–"
	case days < 1:
		return "today"
	case days < 2:
		return "1 day"
	}
	return fmt.Sprintf("%.0f days", math.Floor(days))
}
