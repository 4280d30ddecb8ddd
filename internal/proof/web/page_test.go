package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// shop is a kiosk that sells on its page.
type shop struct {
	t            *testing.T
	debug, glase string
}

func newShop(t *testing.T) shop {
	t.Helper()
	t.Parallel() // most of the time they wait
	p := start(t, filepath.Join(programs(t), "demo"), "--flow=web")
	s := shop{t: t}
	s.glase = p.said(t, `the phone, in a browser +(\S+)/$`)
	s.debug = strings.TrimSuffix(p.said(t, `the kiosk's state +(\S+)`), "/api/status")
	return s
}

// link is what the machine's code says, once there is one that leads to the page.
func (s shop) link() string {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if code, _ := ask(s.t, s.debug+"/api/screen", "")["qr"].(string); strings.Contains(code, "/s/") {
			return code
		}
	}
	s.t.Fatal("the machine's screen never leads to a page")
	return ""
}

// pays is the phone with the app, at what the page's own code or link says.
func (s shop) pays(tab context.Context) {
	s.t.Helper()
	var link string
	do(s.t, tab, chromedp.Evaluate(`document.querySelector('#app').getAttribute('href')`, &link))
	i := ask(s.t, s.glase+"/phone/scan", fmt.Sprintf(`{"qr": %q}`, "HTTP:"+strings.TrimPrefix(link, "seqr:")))
	ref, _ := i["invoiceReference"].(string)
	if i = ask(s.t, s.glase+"/phone/confirm", fmt.Sprintf(`{"invoiceReference": %q, "pin": "1234"}`, ref)); ref == "" ||
		i["errorCode"] != nil {
		s.t.Fatalf("paid by %s: %v", link, i)
	}
}

// sales is how the newest sale stands.
func (s shop) newest() (state string) {
	for _, sale := range list(s.t, s.debug+"/api/sales") {
		return sale["state"].(string)
	}
	return ""
}

// the steps of the page, as JavaScript
const (
	toChoose = `document.body.dataset.step === 'choose' && document.querySelectorAll('.list button').length === 6`
	toPay    = `document.body.dataset.step === 'pay' && document.querySelector('figure img').complete`
	atTheEnd = `document.body.dataset.step === 'ended'`
	thanks   = atTheEnd + ` && document.querySelector('h1').innerText.includes('Thank you')`
	sees     = `((e) => e !== null && getComputedStyle(e).display !== 'none' && e.getClientRects().length > 0)`
)

// phone makes the browser one that is held in a hand.
func phone() chromedp.Action {
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(390, 844, 2, true),
		emulation.SetTouchEmulationEnabled(true).WithMaxTouchPoints(5),
		emulation.SetUserAgentOverride("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) " +
			"Chrome/124.0.0.0 Mobile Safari/537.36"),
	}
}

// press is a finger, or a mouse, on a button: the browser's own click, which needs neither.
func press(t *testing.T, tab context.Context, selector string) {
	t.Helper()
	do(t, tab, chromedp.Evaluate(`document.querySelector('`+selector+`').click()`, nil))
}

// usable holds that axe-core finds nothing serious on the page, but what is named.
func usable(t *testing.T, tab context.Context, where string, but ...string) {
	t.Helper()
	axe, err := os.ReadFile(filepath.Join(root, "bin", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("%v: make web installs it", err)
	}
	var found []string
	do(t, tab, chromedp.Evaluate(string(axe)+";0", nil), chromedp.Evaluate(`axe.run().then((r) => r.violations
		.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.map((v) => v.id + ': ' + v.help + ': ' + v.nodes.map((n) => n.html).join(' ')))`, &found, awaits))
	for _, f := range found {
		if rule, _, _ := strings.Cut(f, ":"); !slices.Contains(but, rule) {
			t.Errorf("%s: %s", where, f)
		}
	}
}

// TestACustomerBuysOnThePage: on a desktop by the invoice's code, on a phone by the link to the app.
func TestACustomerBuysOnThePage(t *testing.T) {
	for _, device := range []string{"desktop", "phone"} {
		t.Run(device, func(t *testing.T) {
			s := newShop(t)
			tab := browser(t, 1280, 900)
			if device == "phone" {
				do(t, tab, phone())
			}
			do(t, tab, chromedp.Navigate(s.link()))
			until(t, tab, "the price list", toChoose)
			until(t, tab, "an address without the code", `location.pathname.endsWith('/s/')`)
			usable(t, tab, "choose")
			shot(t, tab, "page-choose-"+device)
			press(t, tab, `#slot-A1`)
			until(t, tab, "what to pay", toPay)
			usable(t, tab, "pay")
			shot(t, tab, "page-pay-"+device)
			link, code := sees+`(document.querySelector('#app'))`, sees+`(document.querySelector('figure img'))`
			if device == "phone" {
				until(t, tab, "the link and no code", link+` && !`+code)
				until(t, tab, "a page as wide as the phone", `document.documentElement.scrollWidth <= 390`)
			} else {
				until(t, tab, "the code and no link", code+` && !`+link)
			}
			s.pays(tab)
			until(t, tab, "the receipt", thanks+` && document.querySelector('main').innerText.includes('Still water')`)
			usable(t, tab, "ended")
			shot(t, tab, "page-ended-"+device)
			do(t, tab, chromedp.Reload())
			until(t, tab, "the receipt after a reload", thanks)
			if got := s.newest(); got != "charged" {
				t.Errorf("the sale is %s", got)
			}
		})
	}
}

// TestThePageNeedsNoMouse: Tab finds each product, one sees where it is, and after Enter the title is where one is.
func TestThePageNeedsNoMouse(t *testing.T) {
	s := newShop(t)
	tab := browser(t, 1280, 900)
	do(t, tab, chromedp.Navigate(s.link()))
	until(t, tab, "the price list", toChoose)
	var met []string
	for range 6 {
		var at string
		do(t, tab, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle !== 'none'
			? document.activeElement.id : 'unseen'`, &at))
		met = append(met, at)
	}
	if want := []string{"slot-A1", "slot-A2", "slot-A3", "slot-B1", "slot-B2", "slot-B3"}; !slices.Equal(met, want) {
		t.Errorf("Tab finds %v", met)
	}
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	until(t, tab, "what to pay", toPay)
	until(t, tab, "the title to be read", `document.activeElement.id === 'title'`)
	for range 5 {
		var at string
		if do(t, tab, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.id`, &at)); at == "cancel" {
			break
		}
	}
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	until(t, tab, "the end", atTheEnd+` && document.querySelector('h1').innerText.includes('Nothing was charged')`)
}

// TestThePageIsHiddenWhileTheCustomerPays in the app, for a minute: what was paid is delivered, and the page knows.
func TestThePageIsHiddenWhileTheCustomerPays(t *testing.T) {
	s := newShop(t)
	tab := browser(t, 390, 844)
	do(t, tab, phone(), network.Enable(), chromedp.Navigate(s.link()))
	until(t, tab, "the price list", toChoose)
	press(t, tab, `#slot-A2`)
	until(t, tab, "what to pay", toPay)
	// what a tap on the link does, but for the app, which this browser has none of
	do(t, tab, chromedp.Evaluate(`document.querySelector('#app').addEventListener('click', (e) => e.preventDefault());
		document.querySelector('#app').click()`, nil))
	do(t, tab, chromedp.Sleep(time.Second), offline(true)) // a hidden page's connections are ended sooner or later
	time.Sleep(time.Minute)                                // it is this minute that the promise is about
	if got := s.newest(); got != "open" {
		t.Fatalf("hidden for a minute, and the sale is %s", got)
	}
	s.pays(tab)
	do(t, tab, offline(false), chromedp.Evaluate(`document.dispatchEvent(new Event('visibilitychange'))`, nil))
	until(t, tab, "the receipt", thanks)
}

// TestThePageOutlivesTheNetwork: it is gone for 20 s, in which the customer pays by the code that stands there.
func TestThePageOutlivesTheNetwork(t *testing.T) {
	s := newShop(t)
	tab := browser(t, 1280, 900)
	do(t, tab, network.Enable(), chromedp.Navigate(s.link()))
	until(t, tab, "the price list", toChoose)
	press(t, tab, `#slot-A1`)
	until(t, tab, "what to pay", toPay)
	do(t, tab, offline(true))
	until(t, tab, "the loss to be said", sees+`(document.querySelector('#lost'))`)
	s.pays(tab)
	time.Sleep(20 * time.Second) // it is these seconds that the promise is about
	do(t, tab, offline(false))
	until(t, tab, "the receipt", thanks)
}

func offline(on bool) chromedp.Action {
	return network.OverrideNetworkState(on, 0, -1, -1)
}

// TestThePageInTwoTabs, after a reload, and by the back button, is one sale.
func TestThePageInTwoTabs(t *testing.T) {
	s := newShop(t)
	tab := browser(t, 1280, 900)
	do(t, tab, chromedp.Navigate("about:blank"), chromedp.Navigate(s.link()))
	until(t, tab, "the price list", toChoose)
	var own string
	do(t, tab, chromedp.Location(&own))
	second, closeIt := chromedp.NewContext(tab)
	defer closeIt()
	if err := chromedp.Run(second); err != nil { // which makes the tab, for as long as this context
		t.Fatal(err)
	}
	do(t, second, chromedp.Navigate(own))
	until(t, second, "the price list", toChoose)
	press(t, tab, `#slot-A3`)
	until(t, tab, "what to pay", toPay)
	until(t, second, "the same in the other tab", toPay)
	do(t, second, chromedp.Reload())
	until(t, second, "the same after a reload", toPay)
	do(t, tab, chromedp.Navigate("about:blank"), chromedp.Evaluate(`history.back()`, nil))
	until(t, tab, "the same by the back button", toPay)
	s.pays(second)
	until(t, tab, "the receipt", thanks)
	until(t, second, "the receipt", thanks)
	if n := len(list(t, s.debug+"/api/sales")); n != 1 {
		t.Errorf("%d sales", n)
	}
	another := browser(t, 1280, 900) // somebody else's, with the address alone
	do(t, another, chromedp.Navigate(own))
	until(t, another, "nothing", `document.body.dataset.step === 'gone' && !document.body.innerText.includes('Cardamom')`)
	shot(t, another, "page-gone")
}

// TestThePageWithoutScripts sells all the same.
func TestThePageWithoutScripts(t *testing.T) {
	s := newShop(t)
	tab := browser(t, 390, 844)
	do(t, tab, phone(), emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(s.link()))
	do(t, tab, chromedp.WaitVisible(`#slot-A1`), chromedp.Click(`#slot-A1`))
	do(t, tab, chromedp.WaitVisible(`a[href="open"]`)) // by the refresh
	shot(t, tab, "page-pay-without-scripts")
	var link string
	do(t, tab, chromedp.AttributeValue(`#app`, "href", &link, nil, chromedp.ByQuery))
	i := ask(t, s.glase+"/phone/scan", fmt.Sprintf(`{"qr": %q}`, "HTTP:"+strings.TrimPrefix(link, "seqr:")))
	ask(t, s.glase+"/phone/confirm", fmt.Sprintf(`{"invoiceReference": %q, "pin": "1234"}`, i["invoiceReference"]))
	do(t, tab, chromedp.WaitVisible(`body[data-step="ended"]`))
	var text string
	if do(t, tab, chromedp.Text(`main`, &text)); !strings.Contains(text, "Thank you") {
		t.Errorf("at the end the page says %s", text)
	}
}

// TestThePageIsSmall: three files, some 15 KB at most as they are packed, and the first paint over a slow line, reported.
func TestThePageIsSmall(t *testing.T) {
	s := newShop(t)
	tab := browser(t, 390, 844)
	var requests []string
	chromedp.ListenTarget(tab, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok && e.Type != network.ResourceTypeEventSource {
			requests = append(requests, e.Request.URL)
		}
	})
	link := s.link()
	do(t, tab, network.Enable(), network.OverrideNetworkState(false, 150, 1.6e6/8, 750e3/8), chromedp.Navigate(link))
	until(t, tab, "the price list", toChoose)
	var paint float64
	until(t, tab, "the first paint", `performance.getEntriesByName('first-contentful-paint').length === 1`)
	do(t, tab, chromedp.Evaluate(`performance.getEntriesByName('first-contentful-paint')[0].startTime`, &paint))
	t.Logf("the first paint over a 3G line of 1.6 Mbit/s and 150 ms: %.0f ms", paint)
	assets := 0
	for _, r := range requests {
		if !strings.HasSuffix(r, "favicon.ico") && !strings.HasSuffix(r, "/state") && r != link {
			assets++
		}
	}
	if assets > 2 {
		t.Errorf("it takes %v", requests)
	}
}
