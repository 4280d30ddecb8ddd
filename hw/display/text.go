package display

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"kioskd/internal/money"
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

// Copy is what a screen says, in the order in which it should be read. Texts are in the screen's language, without control
// characters, at most a few hundred runes each, not yet broken into lines; an empty one is not shown. A no-break space
// (U+00A0) holds an amount together.
type Copy struct {
	Machine string   // the machine's name
	Test    string   // a mark that no real money moves
	Title   string   // what to do or what happened, to be drawn largest
	Lines   []string // sentences that explain the title
	List    []Entry  // the price list, or what came out
	More    string   // "and %d more": in place of the entries that a driver has no room for
	Notice  string   // why the last choice was not taken
	Time    string   // the countdown: "Time left: 0:45"
	Hint    string   // the other thing one can do, to be drawn smallest
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
}

// Text gives the words of a screen. A kind that it does not know is shown as out of service. The support line appears when
// something failed, which is what every Why says except the customer's own cancelling or staying away and the operator's
// ordinary pauses. A sale in doubt never reads as a promise about money: its title says that the payment is being checked.
func Text(s Screen) Copy {
	w := wordsOf(s.Language)
	c := Copy{Machine: clean(s.Machine), More: w.more, Phases: w.phases, Phase: phase(s.Kind)}
	if s.Test {
		c.Test = w.test
	}
	switch {
	case s.Notice != "":
		c.Notice = lookUp(w.notice, s.Notice, w.noticeGeneral)
	case s.Typed != "":
		c.Notice = fmt.Sprintf(w.typed, clean(s.Typed))
	}
	switch s.Kind {
	case Idle, Confirm, Scan, Choose, Asking:
		w.before(&c, s)
	case Dispensing, Settling, Done:
		w.during(&c, s)
	default:
		w.ended(&c, s)
	}
	return c
}

// before writes the kinds in which the customer is to do something.
func (w *words) before(c *Copy, s Screen) {
	c.Tone = Act
	if s.Remaining > 0 {
		seconds := (s.Remaining-1)/time.Second + 1 // rounded up: the last second reads 0:01
		c.Time = fmt.Sprintf(w.remaining, fmt.Sprintf("%d:%02d", seconds/60, seconds%60))
	}
	switch s.Kind {
	case Idle:
		c.Title, c.Lines, c.Hint = w.idleTitle, []string{w.idleStep1, w.idleStep2, w.idleStep3}, w.idleHint
		if s.QR == "" {
			c.Title, c.Lines, c.Hint = w.firstTitle, []string{w.firstLine}, w.firstHint
		}
		c.List = w.prices(s.Prices, money.Amount{})
	case Confirm:
		c.Title, c.Lines, c.Hint = w.confirmTitle, []string{w.confirmLine}, w.cancelHint
		c.say(w.confirmAmount, w.amount(s.Amount))
	case Scan:
		c.Title, c.Hint = w.scanTitle, w.cancelHint
		if a := w.amount(s.Amount); a != "" {
			c.Title = fmt.Sprintf(w.scanTitleAmount, a)
		}
		c.say("%s", named(s.Product))
		if s.QR == "" {
			c.say("%s", w.stickerLine)
		} else {
			c.say("%s", w.scanLine)
		}
	case Choose:
		c.Title, c.Hint = w.chooseTitle, w.chooseHint
		c.say(w.chooseCredit, w.amount(s.Credit))
		if !s.Amount.IsZero() {
			c.say(w.chooseSoFar, w.amount(s.Amount))
		}
		c.List = w.prices(s.Prices, s.Credit)
	case Asking:
		c.Title, c.Lines, c.Hint = w.askingTitle, []string{w.askingLine}, w.askingHint
		c.bought(named(s.Product), w.amount(s.Amount))
	}
}

// during writes the kinds in which the machine works, and the good end.
func (w *words) during(c *Copy, s Screen) {
	switch s.Kind {
	case Dispensing:
		c.Tone = Good
		c.Title, c.Lines = w.dispensingTitle, []string{w.dispensingLine}
		if p := named(s.Product); p != "" {
			c.Title = fmt.Sprintf(w.dispensingProduct, p)
		}
	case Settling:
		c.Title, c.Lines = w.settlingTitle, []string{w.settlingLine}
		c.say("%s", w.amount(s.Amount))
	case Done:
		c.Tone, c.Title = Good, w.doneTitle
		c.say(w.doneAmount, w.amount(s.Amount))
		if s.Why != "" && !helpless[s.Why] { // "that is all" is no news on a receipt
			c.say("%s", lookUp(w.why, s.Why, w.whyGeneral))
			w.help(c, s)
		}
		c.List = w.items(s.Items)
		c.say(w.doneReference, clean(s.Reference))
	}
}

// ended writes the kinds in which nothing is sold, or money went back.
func (w *words) ended(c *Copy, s Screen) {
	c.Tone = Failed
	if helpless[s.Why] {
		c.Tone = Plain
	}
	why := lookUp(w.why, s.Why, w.whyGeneral)
	switch {
	case s.Why == "in_doubt" && (s.Kind == NothingCharged || s.Kind == Refunded):
		c.Title = w.doubtTitle
		c.say("%s", why)
	case s.Kind == NothingCharged:
		c.Title = w.nothingTitle
		c.say("%s", why)
	case s.Kind == Refunded:
		c.Title = w.refundedTitle
		if a := w.amount(s.Amount); a != "" {
			c.Title = fmt.Sprintf(w.refundedAmount, a)
		}
		c.say("%s", why)
		c.say("%s", w.refundedLine)
		c.List = w.items(s.Items)
	default:
		c.Title, c.Hint = w.outTitle, w.outHint
		if soon[s.Why] {
			c.Title, c.Tone = w.outSoonTitle, Plain
		}
		c.say("%s", why)
	}
	w.help(c, s)
}

// help adds the support line, when the screen's reason is one that support can help with.
func (w *words) help(c *Copy, s Screen) {
	support, code := clean(s.Support), clean(s.Code)
	switch {
	case helpless[s.Why]:
	case support != "" && code != "":
		c.Support = fmt.Sprintf(w.supportCode, support, code)
	case support != "":
		c.Support = fmt.Sprintf(w.support, support)
	case code != "":
		c.Support = fmt.Sprintf(w.code, code)
	}
}

// say adds a line, unless what it is about is missing.
func (c *Copy) say(format, about string) {
	if about != "" {
		c.Lines = append(c.Lines, fmt.Sprintf(format, about))
	}
}

// bought puts the product and its price, as far as they are known, above the other lines.
func (c *Copy) bought(product, amount string) {
	line := product
	if product != "" && amount != "" {
		line += ", "
	}
	if line += amount; line != "" {
		c.Lines = append([]string{line}, c.Lines...)
	}
}

// amount spells an amount, or "" for no amount. The currency may be any text, so the result is cleaned like one.
func (w *words) amount(a money.Amount) string {
	if a == (money.Amount{}) {
		return ""
	}
	spelled := clean(a.Local(w.tag))
	if strings.ContainsFunc(spelled, rareSign) {
		return clean(a.String())
	}
	return spelled
}

// rareSign reports whether a rune is a sign of money that the fonts lack: a price would have a hole. The currency's code stands there then.
func rareSign(r rune) bool {
	return unicode.Is(unicode.Sc, r) && !strings.ContainsRune("$¢£¥€", r)
}

// prices writes a price list; with a credit, products beyond it are off.
func (w *words) prices(prices []Price, credit money.Amount) []Entry {
	list := w.items(prices)
	for i, p := range prices[:len(list)] {
		list[i].Key = clean(p.Slot)
		switch p.State {
		case "":
			list[i].Off = credit.Currency != "" && credit.Currency == p.Amount.Currency && credit.Less(p.Amount)
			continue
		case SoldOut:
			list[i].Price = w.soldOut
		case Closed:
			list[i].Price = w.closed
		default:
			list[i].Price = w.unavailable
		}
		list[i].Off = true
	}
	return list
}

// items writes names and prices, pricesMax at most.
func (w *words) items(items []Price) []Entry {
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

func lookUp(sentences map[string]string, word, general string) string {
	if s, ok := sentences[word]; ok {
		return s
	}
	return general
}
