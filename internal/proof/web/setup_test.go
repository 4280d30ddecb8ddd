package web

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// field is an answer's element.
func field(key string) string { return `[name="` + key + `"]` }

// goOn sends the form, which leads to a page with this heading.
func goOn(t *testing.T, tab context.Context, heading string) {
	t.Helper()
	do(t, tab, chromedp.Click(`form button`, chromedp.ByQuery),
		chromedp.WaitVisible(`//h1[text()="`+heading+`"]`, chromedp.BySearch))
}

// TestAMachineIsSetUpOnAPhone without scripts, from the code to a test sale whose motor moves.
func TestAMachineIsSetUpOnAPhone(t *testing.T) {
	dir := t.TempDir()
	p := start(t, filepath.Join(programs(t), "kioskd"), "setup", "--demo", "--page", "--listen", "127.0.0.1:0",
		"--folder", dir)
	at, code := p.said(t, `(http://\S+)`), p.said(t, `code: (\d{4} \d{4})`)
	tab := browser(t, 390, 844)
	do(t, tab, phone(), emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(at),
		chromedp.SendKeys(field("code"), code))
	goOn(t, tab, "This machine")
	do(t, tab, chromedp.SendKeys(field("machine.name"), "Lobby"))
	goOn(t, tab, "Glase, the payment service")
	do(t, tab, chromedp.SendKeys(field("glase.password"), "12345678"))
	shot(t, tab, "setup-glase")
	goOn(t, tab, "Glase, the payment service: try it")
	do(t, tab, chromedp.Click(`a.go`, chromedp.ByQuery))
	for _, heading := range []string{"How customers pay", "The machine's front"} {
		do(t, tab, chromedp.WaitVisible(`//h1[text()="`+heading+`"]`, chromedp.BySearch))
		if heading == "How customers pay" {
			goOn(t, tab, "The machine's front")
		}
	}
	goOn(t, tab, "Slot 1 of 1")
	for key, text := range map[string]string{"id": "A1", "name": "Water", "price": "15.00", "stock": "8"} {
		do(t, tab, chromedp.SendKeys(field("slot.1."+key), text))
	}
	goOn(t, tab, "Slot 1 of 1: try it")
	do(t, tab, chromedp.Click(`button[value="move"]`, chromedp.ByQuery), chromedp.WaitVisible(`p.ok`, chromedp.ByQuery))
	shot(t, tab, "setup-slot")
	do(t, tab, chromedp.Click(`button[value="watch"]`, chromedp.ByQuery), chromedp.WaitVisible(`table`, chromedp.ByQuery))
	do(t, tab, chromedp.Click(`button[value="rest"]`, chromedp.ByQuery),
		chromedp.WaitNotPresent(`table`, chromedp.ByQuery))
	do(t, tab, emulation.SetScriptExecutionDisabled(false), chromedp.Navigate(at+"part/slot.1"))
	usable(t, tab, "a slot")
	do(t, tab, emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(at+"part/display"))
	goOn(t, tab, "The customers' display: try it")
	do(t, tab, chromedp.Click(`a.go`, chromedp.ByQuery))
	do(t, tab, chromedp.WaitVisible(`//h1[text()="All is answered"]`, chromedp.BySearch))
	goOn(t, tab, "The config is written")
	shot(t, tab, "setup-written")
	goOn(t, tab, "The test sale")
	var text string
	if do(t, tab, chromedp.Text(`main`, &text)); !strings.Contains(text, "charged 15.00 SEK") {
		t.Errorf("the sale: %s", text)
	}
	b, err := os.ReadFile(filepath.Join(dir, "kioskd.toml"))
	if err != nil || !strings.Contains(string(b), `name = "Lobby"`) {
		t.Errorf("%v\n%s", err, b)
	}
}
