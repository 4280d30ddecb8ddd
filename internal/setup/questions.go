package setup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/words"
)

// Question is one thing that the machine's config must say.
type Question struct {
	Key     string // how its answer is called: "machine.name", "slot.2.vend.relay"
	Ask     string // a short line: "The machine's name"
	Why     string // a sentence; "": the line says it all
	Default string // what is taken when nothing is typed; "" of an Optional one: nothing
	Choices []Choice
	Form    Form
	// Optional may be left out: the config then does not have it.
	Optional bool
}

// Choice is a word that may be answered, and what it means.
type Choice struct{ Word, Means string }

// Form is what an answer looks like.
type Form int

// The forms.
const (
	Text   Form = iota
	Number      // a whole number
	Secret      // a password: shown to nobody, and kept in a file of its own
)

// Section is a part of the questions that belong together, after which something can be tried.
type Section struct {
	Name      string // "machine", "glase", "payment", "pins", "slot.1" …, "display"
	Title     string
	Questions []Question
	Done      bool // all of them are answered
}

// Slot is the number of the slot that a section is about, from 1; 0: of none.
func (s Section) Slot() int {
	n, _ := strconv.Atoi(strings.TrimPrefix(s.Name, repeated+"."))
	return n
}

// Sections are all questions as the answers so far have it: some answers lead to others.
func (s *Setup) Sections() []Section {
	s.free = s.free[:0]
	for _, n := range usual {
		pin := fmt.Sprint("GPIO", n)
		if !slices.ContainsFunc(s.answers, func(a Answer) bool { return a.Text == pin }) {
			s.free = append(s.free, pin)
		}
	}
	all := []Section{
		{Name: "machine", Title: "This machine", Questions: s.machine()},
		{Name: "glase", Title: "Glase, the payment service", Questions: s.glase()},
		{Name: "payment", Title: "How customers pay", Questions: s.payment()},
		{Name: "pins", Title: "The machine's front", Questions: s.front()},
	}
	asked := map[string]bool{} // boards, in the first slot that needs them
	for n := 1; n <= s.slots(); n++ {
		all = append(all, Section{Name: fmt.Sprint(repeated, ".", n), Title: fmt.Sprintf("Slot %d of %d", n, s.slots()),
			Questions: s.slot(n, asked)})
	}
	all = append(all, Section{Name: "display", Title: "The customers' display", Questions: s.display()})
	for n := range all {
		for i, q := range all[n].Questions {
			all[n].Questions[i].Default = s.suggested(q)
		}
		all[n].Done = !slices.ContainsFunc(all[n].Questions, func(q Question) bool { return !s.has(q.Key) })
	}
	return all
}

// suggested is what is offered for an answer: what was answered before, what the file has, or the question's own.
func (s *Setup) suggested(q Question) string {
	if q.Form == Secret {
		if s.kept(q.Key) {
			return Kept
		}
		return ""
	}
	if before, ok := s.before[q.Key]; ok {
		return before
	}
	return q.Default
}

// Kept stands for a password that is in its file: it is the answer that leaves it there.
const Kept = "(kept)"

// value is a question's answer, or what is offered for it as long as it has none.
func (s *Setup) value(q Question) string {
	if given, ok := s.given(q.Key); ok {
		return given
	}
	return s.suggested(q)
}

func (s *Setup) machine() []Question {
	var languages []Choice
	for _, tag := range words.Languages() {
		languages = append(languages, Choice{Word: tag})
	}
	return []Question{
		{Key: "machine.language", Ask: "Language of its customers", Default: "en", Choices: languages},
		{Key: "machine.name", Ask: "Name of the machine",
			Why: "Customers read it on the display and in the app: \"Lobby\"."},
		{Key: "machine.currency", Ask: "Currency of all prices", Default: "SEK"},
		{Key: "machine.timezone", Ask: "Time zone", Default: s.o.Facts.Timezone},
		{Key: "machine.support", Ask: "Whom customers call when something failed", Optional: true,
			Why: "One line, with a telephone number."},
	}
}

// The answers to how this machine comes to its terminal.
const (
	Terminal = "terminal" // Glase has given its id and password
	Register = "register" // this machine makes one, as a reseller
	Own      = "own"      // it has made one already
)

func (s *Setup) glase() []Question {
	account := Question{Key: "glase.account", Ask: "This machine's terminal at Glase", Default: Terminal,
		Choices: []Choice{{Terminal, "Glase has given us its id and password"},
			{Register, "make one now, with the reseller's account"}}}
	if s.o.Facts.Registered {
		account.Choices = append(account.Choices, Choice{Own, "this machine has made one already: keep it"})
		account.Default = Own
	}
	all := []Question{
		{Key: "glase.endpoint", Ask: "Address of Glase", Default: s.o.Facts.Endpoint,
			Why: "The one of Glase's test system is offered; the real one is in your contract."},
		{Key: "glase.client_id", Ask: "Your company's name", Why: "Glase sees it with every call.",
			Default: s.o.Facts.Company},
		account,
	}
	switch s.value(account) {
	case Terminal:
		return append(all,
			Question{Key: "glase.terminal_id", Ask: "Id of the terminal", Default: s.o.Facts.TerminalID},
			Question{Key: "glase.password", Ask: "Password of the terminal", Form: Secret,
				Why: "It is kept in a file that only kioskd reads, and never shown."})
	case Register:
		return append(all,
			Question{Key: "glase.reseller_id", Ask: "Id of the reseller"},
			Question{Key: "glase.reseller_user", Ask: "User of the reseller", Default: "9900"},
			Question{Key: "glase.reseller_password", Ask: "Password of the reseller", Form: Secret,
				Why: "It is kept in a file that only kioskd reads, and never shown."})
	}
	return all
}

// The answers to how Glase reaches this machine.
const (
	Proxy = "proxy" // a proxy in front ends the encryption
	TLS   = "tls"   // this machine has a certificate
	Local = "local" // only from this machine: a glasesim
)

func (s *Setup) payment() []Question {
	flow := Question{Key: "payment.flow", Ask: "The way to pay", Default: "reservation", Choices: []Choice{
		{"reservation", "the machine's own code: reserve, take products, pay for what came out"},
		{"sticker", "a printed code: choose, pay, take"},
		{"invoice", "a new code on the display for each sale: choose, pay, take"},
		{"web", "the same on a page in the customer's browser"}}}
	all := []Question{flow}
	switch s.value(flow) {
	case "sticker":
		return append(all, Question{Key: "payment.seqr_id", Ask: "Id on the sticker"})
	case "reservation":
		all = append(all,
			Question{Key: "payment.reserve_max", Ask: "Most that a customer can spend at a time", Default: "200.00"},
			Question{Key: "machine.token", Ask: "Id of the machine in its code", Default: s.o.Facts.Token,
				Why: "Agree on it with Glase; each machine has its own."},
			Question{Key: "glase.merchant_id", Ask: "Id of your shop at Glase", Default: s.o.Facts.MerchantID})
	case "web":
	default:
		return all
	}
	reach := Question{Key: "ups.reach", Ask: "How Glase's calls come in", Default: Proxy, Choices: []Choice{
		{Proxy, "a proxy or tunnel of yours ends the encryption and hands them on"},
		{TLS, "directly: this machine has a certificate"},
		{Local, "only from this machine, to try it with a glasesim"}}}
	if s.o.Facts.Demo {
		reach.Default = Local
	}
	public := Question{Key: "ups.public_url", Ask: "Address by which Glase reaches this machine",
		Why: "Tell it to Glase; /createPurchase is added to it. Like https://kiosk.example.com/seqr"}
	listen := Question{Key: "ups.listen", Ask: "Where kioskd listens for it", Default: "127.0.0.1:8082"}
	if s.fleet {
		public.Why = "A gateway's: like https://fleet.example.com/k/ and the machine's id"
		return append(all, public)
	}
	all = append(all, reach, public, listen)
	switch at := len(all) - 1; s.value(reach) {
	case TLS:
		all[at].Default = ":8443"
		all = append(all, Question{Key: "ups.tls_cert", Ask: "File of the certificate",
			Default: "/etc/kioskd/kiosk.crt"},
			Question{Key: "ups.tls_key", Ask: "File of its key", Default: "/etc/kioskd/kiosk.key"})
	case Local:
		all[at-1].Default = "http://127.0.0.1:8082/seqr"
	}
	return all
}

func (s *Setup) front() []Question {
	driver := "sim"
	if s.o.Facts.Pins && !s.o.Facts.Demo {
		driver = "host"
	}
	q := Question{Key: "gpio.driver", Ask: "The pins", Default: driver,
		Choices: []Choice{{"host", "this computer's own"}, {"sim", "simulated: nothing is connected"}}}
	return []Question{q,
		{Key: "gpio.door", Ask: "Pin of the service door's switch", Optional: true,
			Why: "Like GPIO26. Closing the door lets slots sell again that were closed after a failure."},
		{Key: "gpio.cancel", Ask: "Pin of the cancel button", Optional: true},
		{Key: slotsKey, Ask: "How many slots it has", Default: "1", Form: Number,
			Why: "Places that hold products, 1 to 64. Each is asked for, and can be tried, in turn."}}
}

func (s *Setup) display() []Question {
	driver := Question{Key: "display.driver", Ask: "The display", Default: "none", Choices: []Choice{
		{"framebuffer", "the screen on HDMI, the ribbon cable, or a small one with a kernel driver"},
		{"ssd1306", "an OLED panel of 128 by 64 on I²C"}, {"epd", "electronic paper on SPI"},
		{"terminal", "a text terminal"}, {"png", "a picture in a file, for another program to show"},
		{"none", "none: customers look at a sticker"}}}
	if s.o.Facts.Framebuffer {
		driver.Default = "framebuffer"
	}
	device := Question{Key: "display.device", Ask: "Its device"}
	rotation := Question{Key: "display.rotation", Ask: "Turned by how many degrees", Form: Number, Optional: true,
		Why: "Clockwise: 90, 180 or 270."}
	number := func(key, ask, otherwise string) Question {
		return Question{Key: "display." + key, Ask: ask, Default: otherwise, Form: Number}
	}
	switch s.value(driver) {
	case "framebuffer":
		device.Default = "/dev/fb0"
		return []Question{driver, device, rotation}
	case "ssd1306":
		device.Default = "/dev/i2c-1"
		return []Question{driver, device, rotation}
	case "epd":
		device.Default = "/dev/spidev0.0"
		return []Question{driver, device,
			{Key: "display.panel", Ask: "Which panel", Default: "waveshare2in13v4"},
			{Key: "display.dc", Ask: "Pin that the board calls DC", Default: "GPIO25"},
			{Key: "display.reset", Ask: "Pin that the board calls RST", Default: "GPIO17"},
			{Key: "display.busy", Ask: "Pin that the board calls BUSY", Default: "GPIO24"}, rotation}
	case "png":
		device.Ask, device.Default = "The picture's file", "/run/kioskd/screen.png"
		return []Question{driver, device, number("width", "Width in pixels", "800"),
			number("height", "Height in pixels", "480")}
	case "terminal":
		device.Optional, device.Why = true, "Like /dev/tty1. Without one it is the terminal that kioskd runs in."
		return []Question{driver, device}
	}
	return []Question{driver}
}
