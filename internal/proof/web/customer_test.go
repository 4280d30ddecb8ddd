package web

import (
	"context"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

const lost = sees + `(document.querySelector('#lost'))`

// chosen opens the page by the code on the machine, and stands where something is to be paid.
func (r *remote) chosen(width, height int64) context.Context {
	r.t.Helper()
	tab := browser(r.t, width, height)
	do(r.t, tab, network.Enable(), chromedp.Navigate(r.link()))
	until(r.t, tab, "the price list", toChooseHere)
	press(r.t, tab, `#slot-A1`)
	until(r.t, tab, "what to pay", toPay)
	return tab
}

const toChooseHere = `document.body.dataset.step === 'choose' && document.querySelector('#slot-A1')`

func signal(t *testing.T, p *process, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// once holds that there is one sale, and how it stands.
func (r *remote) once(state string) {
	r.t.Helper()
	all := list(r.t, r.debug+"/api/sales")
	if len(all) != 1 || all[0]["state"] != state {
		r.t.Errorf("the sales are %v, want one that is %s", all, state)
	}
}

// testCustomers are the page's promises where a gateway and a broker stand between it and the machine.
func testCustomers(t *testing.T, f *fleet) {
	t.Run("BuysThroughAGateway", func(t *testing.T) {
		t.Parallel()
		r := f.kiosk(t, "K1")
		link := r.link()
		if !strings.HasPrefix(link, "http://"+r.at+"/k/K1/s/") {
			t.Fatalf("the code says %s", link)
		}
		r.looksAhead(link)
		tab := browser(t, 390, 844)
		do(t, tab, phone(), network.Enable(), chromedp.Navigate(link))
		until(t, tab, "the price list", toChooseHere)
		r.cookie(tab)
		until(t, tab, "an address without the code", `location.pathname === '/k/K1/s/'`)
		until(t, tab, "a page as wide as the phone", `document.documentElement.scrollWidth <= 390`)
		usable(t, tab, "choose")
		do(t, tab, chromedp.Evaluate(`window.asked = 0; window.flashes = 0;
			const real = fetch;
			window.fetch = (what, how) => { if (what === 'state') window.asked++; return real(what, how); };
			new MutationObserver(() => { if (!document.querySelector('#lost').hidden) window.flashes++; })
				.observe(document.querySelector('#lost'), {attributes: true}); 0`, nil))
		press(t, tab, `#slot-A1`)
		until(t, tab, "what to pay", toPay)
		shot(t, tab, "gateway-pay")
		until(t, tab, "a choice that came by the stream", `window.asked === 0`)
		// the machine ends a stream after 30 s: nobody is told of a loss
		until(t, tab, "the stream's end to be bridged", `window.asked > 0`)
		until(t, tab, "the next stream", `stream.readyState === EventSource.OPEN`)
		until(t, tab, "no loss that was none", `window.flashes === 0`)
		do(t, tab, chromedp.Reload())
		until(t, tab, "the same after a reload", toPay)
		r.pays(tab)
		until(t, tab, "the receipt", thanks)
		usable(t, tab, "ended")
		shot(t, tab, "gateway-ended")
		do(t, tab, chromedp.Reload())
		until(t, tab, "the receipt after a reload", thanks)
		r.once("charged")
	})

	t.Run("PaysWhileTheNetworkIsGone", func(t *testing.T) {
		t.Parallel()
		r := f.kiosk(t, "K2")
		tab := r.chosen(1280, 900)
		do(t, tab, offline(true))
		until(t, tab, "the loss to be said", lost)
		r.pays(tab)
		time.Sleep(20 * time.Second) // it is these seconds that the promise is about
		do(t, tab, offline(false))
		until(t, tab, "the receipt", thanks)
		r.once("charged")
	})

	t.Run("WaitsForAFrozenKiosk", func(t *testing.T) {
		t.Parallel()
		r := f.kiosk(t, "K3")
		tab := browser(t, 1280, 900)
		do(t, tab, network.Enable(), chromedp.Navigate(r.link()))
		until(t, tab, "the price list", toChooseHere)
		signal(t, r.kiosk, syscall.SIGSTOP)
		press(t, tab, `#slot-A1`) // which the machine hears of when it is too late
		until(t, tab, "the loss to be said", lost)
		shot(t, tab, "gateway-frozen-choose")
		until(t, tab, "no price to pay", `!document.querySelector('#app')`)
		signal(t, r.kiosk, syscall.SIGCONT)
		until(t, tab, "the machine again", toChooseHere+` && !`+lost)
		if all := list(t, r.debug+"/api/sales"); len(all) != 0 {
			t.Errorf("what was pressed while nobody heard it became %v", all)
		}
		press(t, tab, `#slot-A1`)
		until(t, tab, "what to pay", toPay)
		signal(t, r.kiosk, syscall.SIGSTOP)
		r.pays(tab)
		until(t, tab, "the loss to be said again", lost)
		until(t, tab, "nothing that is not known", `document.body.dataset.step === 'pay'`)
		shot(t, tab, "gateway-frozen-pay")
		signal(t, r.kiosk, syscall.SIGCONT)
		// Glase takes back what nobody asks for within 20 s: either is true, if the page says the same as the ledger
		until(t, tab, "the end", atTheEnd)
		var title string
		do(t, tab, chromedp.Evaluate(`document.querySelector('h1').innerText`, &title))
		switch moved := movements(t, r.glase+"/ledger"); {
		case strings.Contains(title, "Thank you") && moved == "charge 15.00":
			r.once("charged")
		case strings.Contains(title, "Nothing was charged") && !strings.HasSuffix(moved, "charge 15.00"):
			r.once("released")
		default:
			t.Errorf("the page says %s, and the ledger %s", title, moved)
		}
	})

	t.Run("OutlivesTheGateway", func(t *testing.T) {
		t.Parallel()
		r := f.kiosk(t, "K4")
		tab := r.chosen(1280, 900)
		r.gate.kill()
		until(t, tab, "the loss to be said", lost)
		r.open()
		until(t, tab, "the gateway again", toPay+` && !`+lost)
		r.gate.kill()
		r.pays(tab)
		until(t, tab, "the loss to be said again", lost+` && document.body.dataset.step === 'pay'`)
		r.open()
		until(t, tab, "the receipt", thanks)
		r.once("charged")
	})

	t.Run("ComesWhileTheKioskIsFrozen", func(t *testing.T) {
		t.Parallel()
		r := f.kiosk(t, "K5")
		tab := r.chosen(390, 844)
		signal(t, r.kiosk, syscall.SIGSTOP)
		do(t, tab, chromedp.Reload())
		until(t, tab, "the gateway's own words", `document.body.innerText.includes('The machine does not answer')`)
		usable(t, tab, "the gateway's page", "meta-refresh") // which brings the machine back
		shot(t, tab, "gateway-unreachable")
		signal(t, r.kiosk, syscall.SIGCONT)
		until(t, tab, "the page by itself", toPay)
		press(t, tab, `#cancel`)
		until(t, tab, "the end", atTheEnd+` && document.querySelector('h1').innerText.includes('Nothing was charged')`)
	})
}

// looksAhead asks for a page as previews do, which must leave the code to the customer.
func (r *remote) looksAhead(link string) {
	r.t.Helper()
	for _, c := range []struct{ method, purpose string }{{http.MethodHead, ""}, {http.MethodGet, "prefetch"},
		{http.MethodGet, "prefetch;prerender"}, {http.MethodGet, "preview"}} {
		q, err := http.NewRequestWithContext(r.t.Context(), c.method, link, nil)
		if err != nil {
			r.t.Fatal(err)
		}
		q.Header.Set("Sec-Purpose", c.purpose)
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			r.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 0 {
			r.t.Errorf("%s %s: %s with %v", c.method, c.purpose, res.Status, res.Cookies())
		}
	}
}

// cookie holds that the browser keeps one, for this kiosk's pages alone.
func (r *remote) cookie(tab context.Context) {
	r.t.Helper()
	do(r.t, tab, chromedp.ActionFunc(func(ctx context.Context) error {
		all, err := network.GetCookies().WithURLs([]string{"http://" + r.at + "/k/" + r.id + "/s/"}).Do(ctx)
		if err == nil && (len(all) != 1 || all[0].Path != "/k/"+r.id+"/s/" || !all[0].HTTPOnly ||
			all[0].SameSite != network.CookieSameSiteStrict) {
			r.t.Errorf("the browser keeps %+v", all)
		}
		others, err2 := network.GetCookies().WithURLs([]string{"http://" + r.at + "/k/OTHER/s/"}).Do(ctx)
		if err == nil {
			err = err2
		}
		if len(others) != 0 {
			r.t.Errorf("and would show another kiosk %+v", others)
		}
		return err
	}))
}
