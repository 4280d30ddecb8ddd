package web

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// demo starts `make demo` and opens its page.
func demo(t *testing.T, width, height int64) (page context.Context, ledger string) {
	t.Helper()
	page, ledger = demoOf(t, "reservation", width, height)
	until(t, page, "what to do",
		`document.querySelector('#scan.next') && document.querySelector('#hint').innerText.includes('Scan')`)
	return page, ledger
}

// demoOf is demo with another way to pay.
func demoOf(t *testing.T, flow string, width, height int64) (page context.Context, ledger string) {
	t.Helper()
	p := start(t, filepath.Join(programs(t), "demo"), "--flow="+flow)
	address := p.said(t, `in a browser: +(\S+)`)
	page = browser(t, width, height)
	do(t, page, chromedp.Navigate(address))
	until(t, page, "the machine",
		`document.querySelectorAll('.window').length === 6 && document.querySelector('#screen').naturalWidth === 800`)
	do(t, page, chromedp.Evaluate(`document.querySelector('#ledger').href`, &ledger))
	return page, ledger
}

// movements are Glase's ledger, in words.
func movements(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var all []struct{ Kind, Amount string }
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, m := range all {
		words = append(words, m.Kind+" "+m.Amount)
	}
	return strings.Join(words, ", ")
}

// sold waits for the newest sale to say something.
func sold(t *testing.T, page context.Context, what string) {
	t.Helper()
	until(t, page, "a sale that says "+what, `document.querySelector('#sales li').innerText.includes(`+"`"+what+"`"+`)`)
}

// choose presses a product's button until the motor has turned: a busy computer may see no finger that is as quick.
func choose(t *testing.T, page context.Context, slot string) {
	t.Helper()
	until(t, page, "a choice", `document.querySelector('.window button.next')`)
	do(t, page, chromedp.Evaluate(`window.finger = setInterval(() => {
		if (document.querySelector('.window button.next')) document.querySelector('[data-slot="`+slot+
		`"] button').click(); else clearInterval(window.finger);
	}, 1000); document.querySelector('[data-slot="`+slot+`"] button').click()`, nil))
	until(t, page, "the motor", `!document.querySelector('.window button.next')`)
	do(t, page, chromedp.Evaluate(`clearInterval(window.finger)`, nil))
}

// TestANewcomerBuysInThreeClicks: scan, PIN, product; each time what is to be clicked next is the one thing that stands
// out.
func TestANewcomerBuysInThreeClicks(t *testing.T) {
	t.Parallel()
	page, ledger := demo(t, 1280, 900)
	shot(t, page, "scene-ready")
	do(t, page, chromedp.Click("#scan"))
	until(t, page, "the phone's question",
		`document.querySelector('#confirm.next') && !document.querySelector('#scan.next') && document.querySelector('#says').innerText.includes('50.00 SEK')`)
	shot(t, page, "scene-confirm")
	do(t, page, chromedp.Click("#confirm"))
	until(t, page, "the choice",
		`document.querySelectorAll('.window button.next').length === 6 && document.querySelector('#says').innerText.includes('is reserved')`)
	shot(t, page, "scene-choose")
	choose(t, page, "A1")
	until(t, page, "the product in the tray", `document.querySelectorAll('#tray .product').length === 1`)
	sold(t, page, "A1 delivered: you paid 15.00 SEK")
	until(t, page, "the receipt",
		`document.querySelector('#says').innerText.includes('Paid 15.00 SEK') && document.querySelector('#receipt').innerText.includes('Still water')`)
	until(t, page, "the next customer's turn", `document.querySelector('#scan.next')`)
	shot(t, page, "scene-paid")
	if got := movements(t, ledger); got != "reserve 50.00, charge 15.00, release 35.00" {
		t.Errorf("the ledger says %s", got)
	}
}

// TestASaleNeedsNoMouse: Tab finds everything, one sees where it is, and Enter presses it.
func TestASaleNeedsNoMouse(t *testing.T) {
	t.Parallel()
	page, _ := demo(t, 1280, 900)
	tab := func(selector string) {
		t.Helper()
		for range 40 {
			var there bool
			do(t, page, chromedp.KeyEvent(kb.Tab),
				chromedp.Evaluate(`document.activeElement.matches('`+selector+
					`') && getComputedStyle(document.activeElement).outlineStyle !== 'none'`, &there))
			if there {
				return
			}
		}
		t.Fatalf("Tab does not find %s", selector)
	}
	tab("#scan")
	do(t, page, chromedp.KeyEvent(kb.Enter))
	until(t, page, "the question", `document.querySelector('#confirm.next')`)
	tab("#confirm")
	do(t, page, chromedp.KeyEvent(kb.Enter))
	until(t, page, "the choice", `document.querySelector('.window button.next')`)
	tab(`[data-slot="A2"] button`)
	for range 5 { // a busy computer may see no finger that is as quick
		do(t, page, chromedp.KeyEvent(kb.Enter))
		var taken bool
		do(t, page, chromedp.Sleep(time.Second),
			chromedp.Evaluate(`document.querySelector('#sales li').innerText.includes('A2')`, &taken))
		if taken {
			break
		}
	}
	sold(t, page, "A2 delivered: you paid 22.50 SEK")
}

// TestAJamCostsNothing and Glase's absence is told in words, on a phone's narrow screen.
func TestAJamCostsNothing(t *testing.T) {
	t.Parallel()
	page, ledger := demo(t, 390, 844)
	do(t, page, chromedp.Click("#glase"))
	until(t, page, "Glase's absence", `document.querySelector('#glase').innerText === 'Glase comes back'`)
	do(t, page, chromedp.Click("#scan"))
	until(t, page, "the refusal", `document.querySelector('#says.bad')?.innerText.includes('machine')`)
	do(t, page, chromedp.Click("#glase"))
	until(t, page, "Glase again",
		`document.querySelector('#glase').innerText === 'Glase goes away' && document.querySelector('#scan.next')`)
	do(t, page, chromedp.SetValue("#slot", "A2"), chromedp.SetValue("#fault", "jam"),
		chromedp.Evaluate(`document.querySelector('#fault').dispatchEvent(new Event('change'))`, nil))
	do(t, page, chromedp.Click("#scan"))
	until(t, page, "the question", `document.querySelector('#confirm.next')`)
	do(t, page, chromedp.Click("#confirm"))
	choose(t, page, "A2")
	sold(t, page, "A2 not delivered: you paid nothing")
	shot(t, page, "scene-jam-phone")
	until(t, page, "a page as wide as the phone", `document.documentElement.scrollWidth <= 390`)
	until(t, page, "the end", `document.querySelector('#sales li').dataset.state === 'released'`)
	if got := movements(t, ledger); got != "reserve 50.00, release 50.00" {
		t.Errorf("the ledger says %s", got)
	}
}

// TestAPowerCutWhileTheMotorTurnsCostsTheCustomerNothingUnseen: a real SIGKILL in mid-dispense, and what the page says
// then.
func TestAPowerCutWhileTheMotorTurnsCostsTheCustomerNothingUnseen(t *testing.T) {
	t.Parallel()
	page, ledger := demo(t, 1280, 900)
	do(t, page, chromedp.Click("#scan"))
	until(t, page, "the question", `document.querySelector('#confirm.next')`)
	// so that it turns for long
	do(t, page, chromedp.SetValue("#slot", "A3"), chromedp.SetValue("#fault", "jam"),
		chromedp.Evaluate(`document.querySelector('#fault').dispatchEvent(new Event('change'))`, nil))
	do(t, page, chromedp.Click("#confirm"))
	choose(t, page, "A3")
	until(t, page, "the turning motor", `document.querySelector('[data-slot="A3"] .relay.on')`)
	do(t, page, chromedp.Click("#power"))
	until(t, page, "the dark",
		`document.body.classList.contains('dark') && document.querySelector('#hint').innerText.includes('power is cut')`)
	shot(t, page, "scene-dark")
	sold(t, page, "A3 unknown: you paid nothing")
	until(t, page, "the end",
		`document.querySelector('#sales li').dataset.state === 'released' && !document.body.classList.contains('dark')`)
	shot(t, page, "scene-after-the-cut")
	if got := movements(t, ledger); got != "reserve 50.00, release 50.00" {
		t.Errorf("the ledger says %s", got)
	}
}

// TestTheSceneIsThisMachinesAlone: another site's page, another name, a form, a huge or strange body are refused.
func TestTheSceneIsThisMachinesAlone(t *testing.T) {
	t.Parallel()
	p := start(t, filepath.Join(programs(t), "demo"))
	address := strings.TrimSuffix(p.said(t, `in a browser: +(\S+)`), "/")
	for _, c := range []struct {
		what, body string
		header     map[string]string
		want       int
	}{
		{"the page itself", `{"what": "press", "slot": "door"}`, map[string]string{"Content-Type": "application/json"},
			204},
		{"another site", `{"what": "power"}`,
			map[string]string{"Content-Type": "application/json", "Origin": "https://evil.example"}, 403},
		{"another site's frame", `{"what": "power"}`,
			map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403},
		{"another name", `{"what": "power"}`,
			map[string]string{"Content-Type": "application/json", "Host": "evil.example"}, 421},
		{"a form", `what=power`, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"a huge body", `{"what": "` + strings.Repeat("x", 1<<20) + `"}`,
			map[string]string{"Content-Type": "application/json"}, 400},
		{"an unknown deed", `{"what": "rob"}`, map[string]string{"Content-Type": "application/json"}, 400},
		{"an unknown field", `{"what": "scan", "money": 1}`, map[string]string{"Content-Type": "application/json"},
			400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/do", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range c.header {
			if k == "Host" {
				r.Host = v
			} else {
				r.Header.Set(k, v)
			}
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", c.what, res.Status, c.want)
		}
	}
}

// TestAProductIsChosenBeforeItIsPaid by the sticker, or by the invoice's code: who does not pay in time is asked, tries
// again with the same invoice, and pays; who cancels is charged nothing, and a phone that is a moment too late is told.
func TestAProductIsChosenBeforeItIsPaid(t *testing.T) {
	for flow, scans := range map[string]string{"sticker": "Scan the sticker", "invoice": "Scan the machine"} {
		t.Run(flow, func(t *testing.T) {
			t.Parallel() // half a minute of it is waiting
			page, ledger := demoOf(t, flow, 1280, 900)
			choose(t, page, "A1")
			until(t, page, "what to do", `document.querySelector('#scan.next') &&
				document.querySelector('#scan').innerText.includes(`+"`"+scans+"`"+`)`)
			shot(t, page, "scene-"+flow)
			do(t, page, chromedp.Click("#scan"))
			until(t, page, "the question on the phone", `document.querySelector('#confirm.next') &&
				document.querySelector('#says').innerText.includes('Pay 15.00 SEK')`)
			until(t, page, "the question at the machine", `document.querySelector('#retry').offsetParent !== null`)
			shot(t, page, "scene-asking-"+flow)
			do(t, page, chromedp.Click("#retry"))
			until(t, page, "more time", `document.querySelector('#retry').offsetParent === null`)
			do(t, page, chromedp.Click("#confirm")) // the same invoice
			until(t, page, "the product in the tray", `document.querySelectorAll('#tray .product').length === 1`)
			sold(t, page, "A1 delivered: you paid 15.00 SEK")
			choose(t, page, "A2")
			until(t, page, "the next invoice", `document.querySelector('#scan.next')`)
			do(t, page, chromedp.Click("#scan"))
			until(t, page, "the question on the phone", `document.querySelector('#confirm.next') &&
				document.querySelector('#says').innerText.includes('Pay 22.50 SEK')`)
			do(t, page, chromedp.Click("#cancel"))
			sold(t, page, "A2 not delivered: you paid nothing")
			if got := movements(t, ledger); got != "charge 15.00" {
				t.Errorf("the ledger says %s", got)
			}
		})
	}
}
