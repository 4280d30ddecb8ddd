package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// kiosk is a kiosk and a Glase, each a process, without a display.
type kiosk struct {
	t              *testing.T
	bin, dir       string
	debug, glase   string
	config         string
	running, board *process
}

// newKiosk starts both. The board is a process of its own, so that the kiosk can be killed; extra is put into the
// config as it is.
func newKiosk(t *testing.T, debugExtra string) *kiosk {
	t.Helper()
	k := &kiosk{t: t, bin: programs(t), dir: t.TempDir()}
	debugAt, upsAt := free(t), free(t)
	k.debug = "http://" + debugAt
	sim := start(t, filepath.Join(k.bin, "glasesim"), "--listen", "127.0.0.1:0", "--ups", "123456=http://"+upsAt+
		"/seqr/createPurchase")
	k.glase = "http://" + strings.TrimPrefix(sim.said(t, `listening on (\S+)`), "http://")
	example, err := exec.Command(filepath.Join(k.bin, "kioskd"), "check", "--example").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("http://127.0.0.1:8080", k.glase, "127.0.0.1:8082", upsAt, "127.0.0.1:8081", debugAt,
		"/var/lib/kioskd", k.dir, "/run/kioskd", k.dir,
		"#reseller", "reseller", `driver = "terminal"`, `driver = "none"`, `driver = "sim"`, `driver = "sim"`+"\ndevice = \""+k.dir+"/board\"",
		"[debug]", "[debug]\n"+debugExtra).Replace(string(example))
	text = regexp.MustCompile(`(?m)^choose_timeout = .*`).ReplaceAllString(text, `choose_timeout = "10s"`)
	k.config = filepath.Join(k.dir, "kioskd.toml")
	for file, body := range map[string]string{"kioskd.toml": text, "glase.password": "12345678",
		"reseller.password": "1234", "token": "look-at-it"} {
		if err := os.WriteFile(filepath.Join(k.dir, file), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.board = start(t, filepath.Join(k.bin, "kioskd"), "sim-board", "--config", k.config)
	k.board.said(t, "the board is at")
	k.start()
	return k
}

func (k *kiosk) start() {
	k.running = start(k.t, filepath.Join(k.bin, "kioskd"), "run", "--config", k.config)
	k.running.said(k.t, "kioskd starts")
}

func (k *kiosk) press(button string) {
	k.t.Helper()
	ask(k.t, k.debug+"/sim/press", fmt.Sprintf(`{"slot": %q}`, button))
}

// choose presses a product's button until the machine has taken the choice, which stands in the sale: a busy computer
// may see no finger that is as quick, and a second one would buy a second product.
func (k *kiosk) choose(slot string) {
	k.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		k.press(slot)
		// between two questions
		for finger := time.Now().Add(3 * time.Second); time.Now().Before(finger); time.Sleep(20 * time.Millisecond) {
			if k.taken() {
				return
			}
		}
	}
	k.t.Fatal("the machine does not take the choice")
}

// taken reports whether the newest sale has a product.
func (k *kiosk) taken() bool {
	k.t.Helper()
	var sales []struct{ Items []any }
	k.newest(&sales)
	return len(sales) == 1 && len(sales[0].Items) > 0
}

// reserve is the customer's phone: scan and PIN.
func (k *kiosk) reserve() {
	k.t.Helper()
	invoice := ask(k.t, k.glase+"/phone/scan",
		`{"qr": "HTTP://SEQR.SE/000/ups?w=public_test_shop&t=123456", "amount": "50.00"}`)
	ask(k.t, k.glase+"/phone/confirm", fmt.Sprintf(`{"invoiceReference": %q, "pin": "1234"}`,
		invoice["invoiceReference"]))
}

const lit = `document.querySelector('#phases [aria-current]')?.innerText.replace(/\s+/g, ' ')`

// TestTheTechnicianSeesTheMachineLive follows a sale, an opened door, a jam, and the end of the daemon, on one page
// that is never loaded again.
func TestTheTechnicianSeesTheMachineLive(t *testing.T) {
	t.Parallel()
	k := newKiosk(t, "")
	page := browser(t, 1280, 900)
	do(t, page, chromedp.Navigate(k.debug+"/"))
	until(t, page, "ready", lit+` === 'idle ready'`)
	until(t, page, "the machine's name",
		`document.querySelector('h1').innerText === 'Lobby' && document.querySelector('#link').innerText === 'live'`)
	until(t, page, "the customer's screen", `document.querySelector('#screen').naturalWidth === 800`)
	until(t, page, "all pins",
		`document.querySelectorAll('#pins tr').length >= 9 && document.querySelector('#pins').innerText.includes('A1 relay')`)

	k.reserve()
	until(t, page, "choosing", lit+` === 'reserved choosing'`)
	shot(t, page, "technician-choosing")
	k.choose("A1")
	until(t, page, "the end of the sale", `document.querySelector('#sales summary .state')?.innerText === 'charged'`)
	until(t, page, "ready", lit+` === 'idle ready'`)
	do(t, page, chromedp.Focus("#sales summary"), chromedp.KeyEvent("\r")) // by the keyboard
	until(t, page, "its story",
		`document.querySelector('.story')?.innerText.includes('the product was delivered') && document.querySelector('.story').innerText.includes('PAID 15.00 SEK')`)
	until(t, page, "health",
		`[...document.querySelectorAll('#health li')].some(e => e.innerText.startsWith('●') && e.innerText.includes('Glase') && e.innerText.includes('answers'))`)
	until(t, page, "nothing from elsewhere",
		`performance.getEntriesByType('resource').every(e => e.name.replace('blob:', '').startsWith(location.origin + '/'))`)
	shot(t, page, "technician-light")
	do(t, page, dark(true))
	shot(t, page, "technician-dark")

	k.press("door")
	until(t, page, "the open door", lit+
		` === 'idle maintenance' && [...document.querySelectorAll('#pins tr.active')].some(e => e.innerText.includes('door'))`)
	until(t, page, "when it was opened",
		`/\d\d:\d\d:\d\d/.test([...document.querySelectorAll('#pins tr.active')].find(e => e.innerText.includes('door')).lastChild.innerText)`)
	k.press("door")
	until(t, page, "the closed door", lit+` === 'idle ready'`)

	k.running.kill()
	until(t, page, "the lost connection", `document.querySelector('#link').className === 'lost'`)
	k.start()
	until(t, page, "the kiosk again", `document.querySelector('#link').className === 'live' && `+lit+
		` === 'idle ready'`)

	do(t, page, chromedp.Focus("#sales summary"))
	k.reserve() // and nothing is chosen
	until(t, page, "a second sale's end",
		`document.querySelectorAll('#sales details').length === 2 && document.querySelector('#sales .state').innerText === 'released'`)
	until(t, page, "the keyboard's place in the list",
		`document.activeElement.closest('[data-sale]') === document.querySelectorAll('#sales details')[1]`)

	phone := browser(t, 390, 844)
	do(t, phone, chromedp.Navigate(k.debug+"/"))
	until(t, phone, "ready", lit+` === 'idle ready' && document.querySelector('#screen').naturalWidth === 800`)
	until(t, phone, "a page as wide as the phone", `document.documentElement.scrollWidth <= 390`)
	shot(t, phone, "technician-phone")
	do(t, phone, dark(true))
	shot(t, phone, "technician-phone-dark")
}

// TestADoubtStandsOnTop: what a person must decide is the first thing on the page, with the command that does it.
func TestADoubtStandsOnTop(t *testing.T) {
	t.Parallel()
	k := newKiosk(t, "")
	ask(t, k.glase+"/faults", `{"rules": [{"operation": "updateInvoice", "fault": "result_code", "code": 11}]}`)
	page := browser(t, 1280, 900)
	do(t, page, chromedp.Navigate(k.debug+"/"))
	until(t, page, "ready", lit+` === 'idle ready'`)
	k.reserve()
	until(t, page, "choosing", lit+` === 'reserved choosing'`)
	k.choose("A1")
	until(t, page, "the doubt",
		`!document.querySelector('#doubts').hidden && document.querySelector('#doubts').innerText.includes('kioskd resolve') && document.querySelector('#doubts').innerText.includes('code 11')`)
	until(t, page, "the machine's stop", lit+
		` === 'idle out of service' && document.querySelector('#reason').innerText.includes('charge refused')`)
	shot(t, page, "technician-doubt")
}

// TestTheTechnicianSeesTheBooks: what a report says must be looked into, and what went back.
func TestTheTechnicianSeesTheBooks(t *testing.T) {
	t.Parallel()
	k := newKiosk(t, "")
	page := browser(t, 1280, 900)
	do(t, page, chromedp.Navigate(k.debug+"/"))
	until(t, page, "ready", lit+` === 'idle ready'`)
	until(t, page, "no books yet", `document.querySelector('#books').hidden`)
	k.reserve()
	until(t, page, "choosing", lit+` === 'reserved choosing'`)
	k.choose("A1")
	until(t, page, "the sale", `document.querySelector('#sales').innerText.includes('charged')`)
	until(t, page, "ready again", lit+` === 'idle ready'`)
	k.command("refund", k.sale(), "--amount", "5.00", "--reason", "it was warm")
	until(t, page, "what went back", `document.querySelector('#sales').innerText.includes('charged 15.00, refunded 5.00 SEK')`)
	k.command("report")
	until(t, page, "the verdict", `document.querySelector('#books').innerText.includes('1 settled')`)

	ask(t, k.glase+"/faults", `{"rules": [{"operation": "updateInvoice", "fault": "result_code", "code": 11}]}`)
	k.reserve()
	until(t, page, "choosing again", lit+` === 'reserved choosing'`)
	k.choose("A1")
	until(t, page, "the doubt", `!document.querySelector('#doubts').hidden`)
	k.command("report")
	until(t, page, "what to look into", `document.querySelector('#verdicts').innerText.includes('in doubt')`)
	shot(t, page, "technician-books")
}

// command is one of kioskd's, whatever its exit status.
func (k *kiosk) command(args ...string) {
	k.t.Helper()
	out, err := exec.Command(filepath.Join(k.bin, "kioskd"), append(args, "--config", k.config)...).CombinedOutput()
	k.t.Logf("kioskd %v: %v\n%s", args, err, out)
}

// sale is the newest one's id.
func (k *kiosk) sale() string {
	k.t.Helper()
	var sales []struct{ ID string }
	k.newest(&sales)
	if len(sales) == 0 {
		k.t.Fatal("no sale")
	}
	return sales[0].ID
}

// newest reads the newest sale.
func (k *kiosk) newest(into any) {
	k.t.Helper()
	res, err := http.Get(k.debug + "/api/sales?limit=1")
	if err != nil {
		k.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		k.t.Fatal(err)
	}
}

// TestThePageAsksForTheToken: without it nothing is shown; a wrong one is refused.
func TestThePageAsksForTheToken(t *testing.T) {
	t.Parallel()
	k := newKiosk(t, "token_file = \"token\"")
	page := browser(t, 800, 600)
	do(t, page, chromedp.Navigate(k.debug+"/"))
	until(t, page, "the question",
		`!document.querySelector('#login').hidden && document.querySelector('#facts').hidden`)
	do(t, page, chromedp.SendKeys("#token", "wrong\r"))
	until(t, page, "the refusal", `document.querySelector('#refused').innerText.includes('refused')`)
	do(t, page, chromedp.Evaluate(`document.querySelector('#token').value = ''`, nil),
		chromedp.SendKeys("#token", "look-at-it\r"))
	until(t, page, "the machine", lit+` === 'idle ready' && document.querySelector('#screen').naturalWidth === 800`)
}

// TestASilentLineIsALostOne: a kiosk that hangs, or a cable that was pulled, ends no connection.
func TestASilentLineIsALostOne(t *testing.T) {
	t.Parallel()
	k := newKiosk(t, "")
	view := browser(t, 800, 600)
	do(t, view, chromedp.ActionFunc(func(ctx context.Context) error { // the page's patience, made short
		_, err := page.AddScriptToEvaluateOnNewDocument(
			`const wait = setTimeout; window.setTimeout = (f, ms) => wait(f, ms === 40000 ? 3000 : ms)`).Do(ctx)
		return err
	}), chromedp.Navigate(k.debug+"/"))
	until(t, view, "ready", lit+` === 'idle ready'`)
	signal := func(s os.Signal) {
		if err := k.running.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	until(t, view, "the lost connection", `document.querySelector('#link').className === 'lost'`)
	signal(syscall.SIGCONT)
	until(t, view, "the kiosk again", `document.querySelector('#link').className === 'live'`)
}
