package display

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"kioskd/internal/money"
	"kioskd/internal/reason"
	"kioskd/internal/words"
)

// Tone is the mood of a screen, for a driver's colours.
type Tone int

// The tones.
const (
	Plain  Tone = iota
	Act         // the customer is to do something
	Good        // it went well
	Failed      // something did not work
)

// Wording is what a screen says, in the order in which it should be read. Texts are in the screen's language, without
// control characters, at most a few hundred runes each, not yet broken into lines; an empty one is not shown. A
// no-break space (U+00A0) holds an amount together.
type Wording struct {
	Machine string   // the machine's name
	Test    string   // a mark that no real money moves
	Title   string   // what to do or what happened, to be drawn largest
	Lines   []string // sentences that explain the title
	Lead    bool     // the first of them matters most
	Left    string   // what it says, as an amount alone: what is left of the credit
	List    []Entry  // the price list, or what came out
	Notice  string   // why the last choice was not taken
	Time    string   // the countdown: "Time left: 0:45"
	Clock   string   // the same as figures alone
	Hint    string   // the other thing one can do, to be drawn smallest
	Second  string   // what the second code is for, beside it
	Support string   // whom to call and which code to say; only when something failed
	Tone    Tone
	Phases  [4]string // the names of the four phases of a sale
	Phase   int       // the index in Phases of the phase that the machine is in
}

// Entry is one line of a price list.
type Entry struct {
	Key   string // the slot, as on its button; empty for what came out
	Name  string
	Price string // the price, or why the product cannot be had
	Off   bool   // it cannot be had: sold out, closed, or beyond the credit

	Picture string // of the product
}

// Text gives the words of a screen. A kind that it does not know is shown as out of service. The support line appears
// when something failed, which is what every Why says except the customer's own cancelling or staying away and the
// operator's ordinary pauses. A sale in doubt never reads as a promise about money: its title says that the payment is
// being checked.
func Text(s Screen) Wording {
	w := wordsOf(s.Language)
	c := Wording{Machine: clean(s.Machine), Phases: w.Any.Phases, Phase: phase(s.Kind)}
	if s.Test {
		c.Test = w.Any.Test
	}
	switch {
	case s.Notice != "":
		c.Notice = lookUp(w.Notice, s.Notice, w.Any.Notice)
	case s.Typed != "":
		c.Notice = fmt.Sprintf(w.Any.Typed, clean(s.Typed))
	}
	switch s.Kind {
	case Idle, Confirm, Scan, Choose, Asking:
		w.before(&c, s)
	case Dispensing, Settling, Done:
		w.during(&c, s)
	default:
		w.ended(&c, s)
	}
	for i, p := range s.Prices[:min(len(s.Prices), len(c.List))] {
		if c.List[i].Key != "" { // it is the price list, and not what came out
			c.List[i].Picture = s.Pictures[p.Slot]
		}
	}
	return c
}

// before writes the kinds in which the customer is to do something.
func (w wording) before(c *Wording, s Screen) {
	c.Tone = Act
	if s.Remaining > 0 {
		seconds := (s.Remaining-1)/time.Second + 1 // rounded up: the last second reads 0:01
		c.Clock = fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
		c.Time = fmt.Sprintf(w.Any.Remaining, c.Clock)
	}
	switch s.Kind {
	case Idle:
		c.Title, c.Lines, c.Hint = w.Idle.Title, []string{w.Idle.Step1, w.Idle.Step2, w.Idle.Step3}, w.Idle.Hint
		switch {
		case s.QR == "":
			c.Title, c.Lines, c.Hint = w.First.Title, []string{w.First.Line}, w.First.Hint
		case s.OnPage:
			c.Title, c.Lines = w.Page.Title, []string{w.Page.Step1, w.Page.Step2, w.Page.Step3}
		case s.Page != "":
			c.Second = w.Page.Also
		}
		c.List = w.prices(s.Prices, money.Amount{})
	case Confirm:
		c.Title, c.Lines, c.Hint = w.Confirm.Title, []string{w.Confirm.Line}, w.Any.Cancel
		c.say(w.Confirm.Amount, w.amount(s.Amount))
	case Scan:
		c.Title, c.Hint = w.Scan.Title, w.Any.Cancel
		if a := w.amount(s.Amount); a != "" {
			c.Title = fmt.Sprintf(w.Scan.TitleAmount, a)
		}
		c.say("%s", named(s.Product))
		if s.QR == "" {
			c.say("%s", w.Scan.Sticker)
		} else {
			c.say("%s", w.Scan.Line)
		}
	case Choose:
		c.Title, c.Hint = w.Choose.Title, w.Choose.Hint
		c.say(w.Choose.Credit, w.amount(s.Credit))
		c.Left = w.amount(s.Credit)
		c.Lead = c.Left != ""
		if !s.Amount.IsZero() {
			c.say(w.Choose.SoFar, w.amount(s.Amount))
		}
		c.List = w.prices(s.Prices, s.Credit)
	case Asking:
		c.Title, c.Lines, c.Hint = w.Asking.Title, []string{w.Asking.Line}, w.Asking.Hint
		c.bought(named(s.Product), w.amount(s.Amount))
	}
}

// during writes the kinds in which the machine works, and the good end.
func (w wording) during(c *Wording, s Screen) {
	switch s.Kind {
	case Dispensing:
		c.Tone = Good
		c.Title, c.Lines = w.Dispensing.Title, []string{w.Dispensing.Line}
		if p := named(s.Product); p != "" {
			c.Title = fmt.Sprintf(w.Dispensing.Product, p)
		}
	case Settling:
		c.Title, c.Lines = w.Settling.Title, []string{w.Settling.Line}
		c.say("%s", w.amount(s.Amount))
	case Done:
		c.Tone, c.Title = Good, w.Done.Title
		c.say(w.Done.Amount, w.amount(s.Amount))
		if s.Why != "" && !noSupport(s.Why) { // "that is all" is no news on a receipt
			c.say("%s", lookUp(w.Why, s.Why, w.Any.Why))
			w.help(c, s)
		}
		c.List = w.items(s.Items)
		c.say(w.Done.Reference, clean(s.Reference))
	}
}

// ended writes the kinds in which nothing is sold, or money went back.
func (w wording) ended(c *Wording, s Screen) {
	c.Tone = Failed
	if noSupport(s.Why) {
		c.Tone = Plain
	}
	why := lookUp(w.Why, s.Why, w.Any.Why)
	switch {
	case s.Why == reason.InDoubt && (s.Kind == NothingCharged || s.Kind == Refunded):
		c.Title = w.Doubt.Title
		c.say("%s", why)
	case s.Kind == NothingCharged:
		c.Title = w.Nothing.Title
		c.say("%s", why)
	case s.Kind == Refunded:
		c.Title = w.Refunded.Title
		if a := w.amount(s.Amount); a != "" {
			c.Title = fmt.Sprintf(w.Refunded.TitleAmount, a)
		}
		c.say("%s", why)
		c.say("%s", w.Refunded.Line)
		c.List = w.items(s.Items)
	default:
		c.Title, c.Hint = w.Out.Title, w.Out.Hint
		if soon(s.Why) {
			c.Title, c.Tone = w.Out.Soon, Plain
		}
		c.say("%s", why)
	}
	w.help(c, s)
}

// help adds the support line, when the screen's reason is one that support can help with.
func (w wording) help(c *Wording, s Screen) {
	support, code := clean(s.Support), clean(s.Code)
	switch {
	case noSupport(s.Why):
	case support != "" && code != "":
		c.Support = fmt.Sprintf(w.Any.SupportCode, support, code)
	case support != "":
		c.Support = fmt.Sprintf(w.Any.Support, support)
	case code != "":
		c.Support = fmt.Sprintf(w.Any.Code, code)
	}
}

// say adds a line, unless what it is about is missing.
func (c *Wording) say(format, about string) {
	if about != "" {
		c.Lines = append(c.Lines, fmt.Sprintf(format, about))
	}
}

// bought puts the product and its price, as far as they are known, above the other lines.
func (c *Wording) bought(product, amount string) {
	line := product
	if product != "" && amount != "" {
		line += ", "
	}
	if line += amount; line != "" {
		c.Lines = append([]string{line}, c.Lines...)
	}
}

// amount spells an amount, or "" for no amount. The currency may be any text, so the result is cleaned like one.
func (w wording) amount(a money.Amount) string {
	if a == (money.Amount{}) {
		return ""
	}
	spelled := clean(a.Local(w.Tag))
	if strings.ContainsFunc(spelled, rareSign) {
		return clean(a.String())
	}
	return spelled
}

// rareSign reports whether a rune is a sign of money that the fonts lack: a price would have a hole. The currency's
// code stands there then.
func rareSign(r rune) bool {
	return unicode.Is(unicode.Sc, r) && !strings.ContainsRune("$¢£¥€", r)
}

// prices writes a price list; with a credit, products beyond it are off.
func (w wording) prices(prices []Price, credit money.Amount) []Entry {
	list := w.items(prices)
	for i, p := range prices[:len(list)] {
		list[i].Key = clean(p.Slot)
		switch p.State {
		case "":
			list[i].Off = credit.Currency != "" && credit.Currency == p.Amount.Currency && credit.Less(p.Amount)
			continue
		case SoldOut:
			list[i].Price = w.Any.SoldOut
		case Closed:
			list[i].Price = w.Any.Closed
		default:
			list[i].Price = w.Any.Unavailable
		}
		list[i].Off = true
	}
	return list
}

// items writes names and prices, pricesMax at most.
func (w wording) items(items []Price) []Entry {
	var list []Entry
	for _, p := range items[:min(len(items), pricesMax)] {
		list = append(list, Entry{Name: named(p.Name), Price: w.amount(p.Amount)})
	}
	return list
}

// phase is the phase of a sale, 0 to 3, that a kind belongs to.
func phase(k Kind) int {
	switch k {
	case Confirm, Scan, Choose, Asking:
		return 1
	case Dispensing:
		return 2
	case Settling, Done, NothingCharged, Refunded:
		return 3
	}
	return 0
}

func lookUp(sentences map[reason.Why]string, word reason.Why, general string) string {
	if s, ok := sentences[word]; ok {
		return s
	}
	return general
}

// wording writes screens in one language.
type wording struct{ *words.Words }

func wordsOf(language string) wording { return wording{words.In(language)} }

// noSupport reports whether nothing failed that support could help with: the customer's own choice or absence, and the
// operator's or the machine's ordinary ways. Every other reason, an unknown one included, shows the support line.
func noSupport(why reason.Why) bool {
	switch why {
	case reason.CancelledByCustomer, reason.CancelledOnPhone, reason.PinTimeout, reason.NothingChosen,
		reason.WalkedAway,
		reason.Starting, reason.Technician, reason.Door, reason.SoldOut, reason.Stopping:
		return true
	}
	return false
}

// soon reports whether a reason for being out of service ends by itself within moments.
func soon(why reason.Why) bool { return why == reason.Starting || why == reason.Resolving }
