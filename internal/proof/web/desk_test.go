package web

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// rubbish sends what is no entry in a kiosk's name, as a broken one would: an alarm that a person ends.
func (f *fleet) rubbish(t *testing.T, id string) {
	t.Helper()
	c, err := net.Dial("tcp", f.broker)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "CONNECT {\"verbose\":false}\r\nPUB j.%s 7\r\nrubbish\r\nPING\r\n", id); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 1<<12); ; { // until the server has taken it
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(b[:n]); len(s) >= 6 && s[len(s)-6:] == "PONG\r\n" {
			return
		}
	}
}

// signsIn fills in the form with the keyboard.
func signsIn(t *testing.T, tab context.Context, name, word string) {
	t.Helper()
	until(t, tab, "the form", `document.activeElement.name === 'name'`)
	do(t, tab, chromedp.KeyEvent(name+kb.Tab+word+kb.Enter))
}

const (
	theFleet   = `document.querySelector('h1').innerText === 'All machines'`
	theMachine = `[...document.querySelectorAll('th a')].find((a) => a.innerText === 'D1')`
)

// testDesk is what operators do at the hub's pages, on a desktop, with a phone, and without scripts.
func testDesk(t *testing.T, f *fleet) {
	r := f.kiosk(t, "D1")
	customer := r.chosen(1280, 900)
	r.pays(customer)
	until(t, customer, "the receipt", thanks)
	f.rubbish(t, "D1")
	home := "http://" + f.desk + "/"

	t.Run("OnADesktop", func(t *testing.T) {
		t.Parallel()
		tab := browser(t, 1280, 900)
		do(t, tab, chromedp.Navigate(home+"m/nothing"))
		usable(t, tab, "the form")
		shot(t, tab, "desk-sign-in")
		signsIn(t, tab, operator, "not the password")
		until(t, tab, "the refusal", `document.querySelector('[role=alert]')?.innerText.includes('wrong')`)
		usable(t, tab, "the refusal")
		signsIn(t, tab, operator, password)
		until(t, tab, "where one wanted to go", `location.pathname === '/m/nothing'`)
		do(t, tab, chromedp.Navigate(home))
		until(t, tab, "the fleet", theFleet)
		until(t, tab, "the alarm and the sale, by itself", theMachine+` && document.querySelector('.grade.alarm') &&
			document.querySelector('#main').innerText.includes('15.00')`)
		usable(t, tab, "the fleet")
		shot(t, tab, "desk-fleet")
		do(t, tab, dark(true))
		usable(t, tab, "the fleet in the dark")
		shot(t, tab, "desk-fleet-dark")
		do(t, tab, dark(false))

		do(t, tab, chromedp.Evaluate(theMachine+`.click()`, nil))
		until(t, tab, "the machine", `document.querySelector('h1').innerText === 'D1'`)
		until(t, tab, "its sale", `document.querySelector('#sales').parentElement.innerText.includes('Still water')`)
		usable(t, tab, "the machine")
		shot(t, tab, "desk-machine")
		do(t, tab, chromedp.Evaluate(`document.querySelector('#sales + table th a').click()`, nil))
		until(t, tab, "the sale", `document.querySelector('.story').innerText.includes('PAID 15.00 SEK') &&
			document.querySelector('h1').innerText.startsWith('Sale ')`)
		usable(t, tab, "the sale")
		shot(t, tab, "desk-sale")

		do(t, tab, chromedp.Navigate(home))
		until(t, tab, "the fleet again", theFleet+` && document.querySelector('.troubles form button')`)
		do(t, tab, chromedp.Evaluate(`document.querySelector('.troubles form button').click()`, nil))
		until(t, tab, "the end of the alarm", theFleet+` && !document.querySelector('.grade.alarm')`)
		do(t, tab, chromedp.Evaluate(`document.querySelector('header form button').click()`, nil))
		until(t, tab, "the form again", `document.querySelector('input[name=password]')`)
		const nobody = `document.querySelector('input[name=password]') && !document.querySelector('table')`
		do(t, tab, chromedp.Evaluate(`window.before = true; history.back()`, nil))
		until(t, tab, "nobody on the page before", `!window.before && `+nobody)
		do(t, tab, chromedp.Navigate(home))
		until(t, tab, "nobody on the page", nobody)
	})

	t.Run("OnAPhone", func(t *testing.T) {
		t.Parallel()
		tab := browser(t, 390, 844)
		do(t, tab, phone(), chromedp.Navigate(home))
		const fits = `document.documentElement.scrollWidth <= 390`
		until(t, tab, "a form as wide as the phone", fits)
		shot(t, tab, "desk-sign-in-phone")
		signsIn(t, tab, "lisa", password)
		until(t, tab, "the fleet", theFleet+` && `+theMachine)
		until(t, tab, "no deed for who may only look", `!document.querySelector('main form[method=post]')`)
		until(t, tab, "a page as wide as the phone", fits)
		usable(t, tab, "the fleet on a phone")
		shot(t, tab, "desk-fleet-phone")
		do(t, tab, chromedp.Evaluate(theMachine+`.click()`, nil))
		until(t, tab, "the machine", `document.querySelector('#sales + table')`)
		until(t, tab, "a machine as wide as the phone", fits)
		usable(t, tab, "the machine on a phone")
		shot(t, tab, "desk-machine-phone")
		do(t, tab, chromedp.Evaluate(`document.querySelector('#sales + table th a').click()`, nil))
		until(t, tab, "the sale", `document.querySelector('.story')`)
		until(t, tab, "a sale as wide as the phone", fits)
		usable(t, tab, "the sale on a phone")
		shot(t, tab, "desk-sale-phone")
	})

	t.Run("ByTheKeyboard", func(t *testing.T) {
		t.Parallel()
		tab := browser(t, 1280, 900)
		do(t, tab, chromedp.ActionFunc(func(ctx context.Context) error { // the page's turns, made short and counted
			_, err := page.AddScriptToEvaluateOnNewDocument(`const every = setInterval; window.turns = 0;
				window.setInterval = (f, ms) => every(() => { window.turns++; f(); }, ms === 15000 ? 1000 : ms)`).
				Do(ctx)
			return err
		}))
		do(t, tab, chromedp.Navigate(home))
		signsIn(t, tab, operator, password)
		until(t, tab, "the machine", theFleet+` && `+theMachine)
		tabs(t, tab, "the way past the head", `document.activeElement.matches('.skip')`)
		tabs(t, tab, "the machine", `document.activeElement === `+theMachine)
		// it fetches itself, and takes nobody's place away: neither in the list nor in a field
		do(t, tab, chromedp.Evaluate(`const real = fetch;
			window.fetch = (...a) => { window.fetched++; return real(...a); };
			window.place = document.activeElement; 0`, nil))
		tabs(t, tab, "a field", `document.activeElement.name === 'from'`)
		do(t, tab, chromedp.Evaluate(`document.activeElement.value = '2020-02-02'`, nil))
		do(t, tab, chromedp.Evaluate(`window.fetched = window.turns = 0`, nil))
		until(t, tab, "the page's turn, thrice", `window.turns >= 3`)
		until(t, tab, "what was typed", `document.activeElement.name === 'from' && window.place.isConnected &&
			document.activeElement.value === '2020-02-02' && window.fetched === 0`)
		do(t, tab, chromedp.Evaluate(`document.activeElement.blur()`, nil))
		until(t, tab, "a newer page once nobody is in it", `window.fetched > 0 && !window.place.isConnected`)
		tabs(t, tab, "the machine", `document.activeElement === `+theMachine)
		do(t, tab, chromedp.KeyEvent(kb.Enter))
		until(t, tab, "its page", `document.querySelector('h1').innerText === 'D1'`)
		tabs(t, tab, "the way out", `document.activeElement.innerText === 'Sign out'`)
		do(t, tab, chromedp.KeyEvent(kb.Enter))
		until(t, tab, "the form", `document.querySelector('input[name=password]')`)
	})

	t.Run("WithoutScripts", func(t *testing.T) {
		t.Parallel()
		tab := browser(t, 1280, 900)
		do(t, tab, emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(home),
			chromedp.WaitVisible(`input[name=password]`),
			chromedp.SendKeys(`input[name=name]`, operator),
			chromedp.SendKeys(`input[name=password]`, password+kb.Enter),
			chromedp.WaitVisible(`.tiles`))
		do(t, tab, chromedp.WaitVisible(`th[scope=row] a[href^="/m/"]`),
			chromedp.Click(`th[scope=row] a[href^="/m/"]`),
			chromedp.WaitVisible(`#sales`),
			chromedp.Click(`header form button`), chromedp.WaitVisible(`input[name=password]`))
	})
}

// tabs presses Tab until it is where it should be, and one sees where that is.
func tabs(t *testing.T, tab context.Context, what, there string) {
	t.Helper()
	for range 60 {
		var at, seen bool
		do(t, tab, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(there, &at),
			chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle !== 'none'`, &seen))
		if at && !seen {
			t.Errorf("one does not see that one is at %s", what)
		}
		if at {
			return
		}
	}
	t.Fatalf("Tab never finds %s", what)
}
