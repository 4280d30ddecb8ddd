package web

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// opens asks the machine for a code for a browser beside it, and gives the address.
func (k *kiosk) opens() string {
	k.t.Helper()
	out, err := exec.Command(filepath.Join(k.bin, "kioskd"), "page", "--here", "--json", "--config", k.config).Output()
	var told struct{ URL string }
	if err == nil {
		err = json.Unmarshal(out, &told)
	}
	if err != nil || told.URL == "" {
		k.t.Fatalf("kioskd page: %v %s", err, out)
	}
	return told.URL
}

// keys goes by Tab to an element, which must show that it has the focus, and types there.
func keys(t *testing.T, tab context.Context, selector string, text ...string) {
	t.Helper()
	for range 60 {
		var there bool
		do(t, tab, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`document.activeElement.matches('`+selector+
			`') && getComputedStyle(document.activeElement).outlineStyle !== 'none'`, &there))
		if there {
			for _, one := range text {
				do(t, tab, chromedp.KeyEvent(one))
			}
			return
		}
	}
	t.Fatalf("Tab does not find %s", selector)
}

// TestATechnicianWorksOnAPhoneByTheKeyboard: the machine's page at a phone's width, with scripts switched off, from the
// code to a restocked, tested, closed slot; each page is looked at by axe.
func TestATechnicianWorksOnAPhoneByTheKeyboard(t *testing.T) {
	t.Parallel()
	k := newKiosk(t, `token_file = "token"`)
	tab := browser(t, 360, 740)
	fits := func(where string) {
		t.Helper()
		until(t, tab, where+" as wide as the phone", `document.documentElement.scrollWidth <= 360`)
		do(t, tab, emulation.SetScriptExecutionDisabled(false)) // axe's own, for a moment
		usable(t, tab, where)
		do(t, tab, emulation.SetScriptExecutionDisabled(true))
		shot(t, tab, "handheld-"+where)
	}
	do(t, tab, phone(), emulation.SetDeviceMetricsOverride(360, 740, 1, true),
		emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(k.opens()))
	until(t, tab, "the question who", `document.querySelector('#by') && document.querySelector('#token')`)
	fits("entrance")
	keys(t, tab, "#by", "anna")
	keys(t, tab, "#token", "look-at-it", kb.Enter)
	until(t, tab, "the machine", `location.pathname === '/t/' && document.querySelectorAll('.slots li').length >= 1`)
	fits("machine")
	keys(t, tab, ".slots a", kb.Enter)
	until(t, tab, "the slot", `document.querySelector('#more')`)
	fits("slot")
	keys(t, tab, "#more", "2", kb.Enter)
	until(t, tab, "the count", `/A1: \d+ left, was \d+/.test(document.body.innerText)`)
	fits("counted")
	keys(t, tab, "a.act", kb.Enter)
	until(t, tab, "the slot again", `document.querySelector('#more')`)
	keys(t, tab, "form:has([value=test]) button", kb.Enter)
	until(t, tab, "the product", `document.body.innerText.includes('one product came out')`)
	keys(t, tab, "a.act", kb.Enter)
	until(t, tab, "the slot again", `document.querySelector('#why-close')`)
	keys(t, tab, "#why-close", "sticky spiral", kb.Enter)
	until(t, tab, "the closed slot", `document.body.innerText.includes('A1 is closed until a person opens it')`)
	for _, page := range []string{"doctor", "wiring", "sales"} {
		do(t, tab, chromedp.Navigate(k.debug+"/t/"+page))
		until(t, tab, page, `location.pathname === '/t/`+page+`' && document.querySelector('h1')`)
		fits(page)
	}
	for _, lang := range []string{"sv", "de", "fi"} {
		for _, page := range []string{"", "slot?id=A1&lang=" + lang} {
			at := k.debug + "/t/" + page
			if page == "" {
				at += "?lang=" + lang
			}
			do(t, tab, chromedp.Navigate(at))
			until(t, tab, lang, `document.documentElement.lang === '`+lang+`' && document.querySelector('h1')`)
			fits(strings.TrimRight(lang+"-"+strings.Split(page, "?")[0], "-"))
		}
	}
	do(t, tab, dark(true), chromedp.Navigate(k.debug+"/t/?lang=en"))
	until(t, tab, "English", `document.documentElement.lang === 'en'`)
	fits("dark")

	// during a sale the page says so, and offers nothing to do with a slot
	k.reserve()
	do(t, tab, chromedp.Navigate(k.debug+"/t/slot?id=A1"))
	until(t, tab, "the sale", `document.body.innerText.includes('A sale is on') && !document.querySelector('#more')`)
	fits("sale-is-on")
}
