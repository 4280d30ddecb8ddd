package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"kioskd/hw/vend"
	"kioskd/internal/money"
	"kioskd/internal/words"
)

// sections reads every section into c, and then looks at what they need of each other.
func (d *document) sections(top *table, c *Config, kinds []vend.Kind) {
	machine, glase, ups, payment := top.table("machine"), top.table("glase"), top.table("ups"), top.table("payment")
	machine.machine(&c.Machine)
	payment.payment(&c.Payment, c.Machine.Currency)
	glase.glase(&c.Glase)
	shop, fleet := top.table("shop"), top.table("fleet")
	gateways := ""
	if len(fleet.values) > 0 {
		gateways = "/k/" + c.Machine.Token
	}
	ups.ups(&c.UPS, gateways)
	shop.flag("enabled", &c.Shop.Enabled)
	if c.Payment.Flow == Reservation || c.Payment.Flow == Web || len(ups.values) > 0 {
		if len(fleet.values) == 0 {
			ups.need("listen", `"127.0.0.1:8082"`, "")
		}
		ups.need("public_url", `"https://kiosk.example.com/seqr"`, "how Glase reaches this machine")
	}
	top.table("journal").file("path", &c.Journal.Path)
	debug := top.table("debug")
	debug.debug(&c.Debug)
	if collide(c.UPS.Listen, c.Debug.Listen) {
		debug.fail("listen", "%s is taken by ups.listen in line %d: write another port", quote(c.Debug.Listen),
			ups.lineOf("listen"))
	}
	display := top.table("display")
	display.display(&c.Display)
	top.table("gpio").gpio(&c.GPIO)
	c.Slots = top.slots(&c.Payment, c.Machine.Currency, kinds)
	top.table("keypad").keypad(&c.Keypad, c.Slots)
	top.table("temperature").temperature(&c.Temperature, c.Slots)
	c.Pins = top.pins() // after all that names a pin
	top.boards(c, kinds)
	top.table("printer").printer(&c.Printer) // after all others that name a serial port
	fleet.fleet(&c.Fleet, machine)
	shop.shop(c, ups, display)
	switch c.Payment.Flow {
	case Reservation:
		machine.need("token", `"123456"`, "the machine's id in its QR, as agreed with Glase")
		glase.need("merchant_id", `"public_test_shop"`, "the merchant's id in the machine's QR")
		payment.need("reserve_max", `"200.00"`, "the most that one customer may reserve")
		if pin, choose := c.Payment.PINTimeout, c.Payment.ChooseTimeout; pin+choose >= c.Glase.ReservationTimeout {
			glase.fail("reservation_timeout",
				"%q is too short: payment.pin_timeout (%s) and payment.choose_timeout (%s) must fit in it with time "+
					"left to take the product",
				short(c.Glase.ReservationTimeout), short(pin), short(choose))
		}
	case Sticker:
		payment.need("seqr_id", `"ABC123"`, "the id on the sticker")
	}
}

func (t *table) machine(m *Machine) {
	t.need("name", `"Lobby"`, "")
	t.shown("name", &m.Name, nameMax)
	t.text("token", &m.Token, code(64, lower+upper+digits, "letters and digits"))
	t.choice("language", &m.Language, words.Languages())
	t.need("currency", `"SEK"`, "")
	t.text("currency", &m.Currency, func(s string) string {
		if s == "" || !money.Known(s) {
			return quote(s) + " is no currency: write the three capital letters of ISO 4217, like \"SEK\" or \"EUR\""
		}
		return ""
	})
	name := m.Timezone.String()
	t.text("timezone", &name, func(s string) string {
		if zone, err := time.LoadLocation(s); err == nil && s != "" && s != "Local" {
			m.Timezone = zone
			return ""
		}
		return quote(s) + " is no time zone: write its name in the IANA database, like \"Europe/Stockholm\" or \"UTC\""
	})
	t.shown("support", &m.Support, supportMax)
}

const (
	nameMax    = 60 // characters: what fits in one line of an 800 pixel display
	supportMax = 80 // characters: two lines of it
)

func (t *table) glase(g *Glase) {
	t.need("endpoint", `"https://extdev.seqr.com/soap/merchant/cashregister-2"`, "")
	t.text("endpoint", &g.Endpoint, isWeb)
	t.text("merchant_id", &g.MerchantID, isID)
	t.text("terminal_id", &g.TerminalID, isID)
	t.file("password_file", &g.PasswordFile)
	t.need("client_id", `"Bar AB"`, "the company's name")
	t.text("client_id", &g.ClientID, spoken(nameMax))
	// A payment that is not asked for within 20 s is reversed by Glase, so one attempt may not be waited for longer
	// than 3 s.
	t.duration("timeout", &g.Timeout, 100*time.Millisecond, 3*time.Second)
	t.duration("reservation_timeout", &g.ReservationTimeout, 2*time.Minute, time.Hour)
	if g.ReservationTimeout%time.Second != 0 {
		t.fail("reservation_timeout", "%q is not in whole seconds, as Glase counts: write whole seconds",
			short(g.ReservationTimeout))
	}
	t.text("reseller_id", &g.ResellerID, isID)
	t.text("reseller_user", &g.ResellerUser, isID)
	t.file("reseller_password_file", &g.ResellerPasswordFile)
}

// ups reads where Glase reaches the machine. gateways is how a URL ends that a gateway of the machine's fleet answers;
// "": it is in none.
func (t *table) ups(u *UPS, gateways string) {
	t.text("listen", &u.Listen, isListen)
	t.text("public_url", &u.PublicURL, isPublic)
	t.text("path_prefix", &u.PathPrefix, isPrefix)
	t.tls(&u.TLSCert, &u.TLSKey, false)
	t.flag("behind_proxy", &u.BehindProxy)
	t.callers(u)
	if u.Listen != "" && !localListen(u.Listen) && !u.BehindProxy && !t.has("tls_cert") && !t.has("tls_key") {
		t.fail("listen",
			"%s would take payments unencrypted from the network: write tls_cert and tls_key, or behind_proxy = true "+
				"when a proxy in front ends the TLS, or listen on 127.0.0.1",
			quote(u.Listen))
	}
	public, err := url.Parse(u.PublicURL)
	switch {
	case err != nil || u.PublicURL == "" || gateways != "" && strings.HasSuffix(public.Path, gateways):
	case u.Listen == "" && gateways != "":
		t.fail("public_url", "%s is not where a gateway of the fleet has this machine, and nothing listens here: write it "+
			"like \"https://fleet.example.com%s\"", quote(u.PublicURL), gateways)
	case !u.BehindProxy && public.Path != u.PathPrefix:
		t.fail("public_url", "%s has the path %q, but path_prefix is %q: without a proxy they must be the same",
			quote(u.PublicURL), public.Path, u.PathPrefix)
	}
}

func (t *table) payment(p *Payment, currency string) {
	t.choice("flow", &p.Flow, []string{Reservation, Sticker, Invoice, Web})
	t.text("seqr_id", &p.SeqrID, code(64, lower+upper+digits, "letters and digits"))
	t.amount("reserve_max", &p.ReserveMax, currency)
	t.duration("pin_timeout", &p.PINTimeout, 5*time.Second, 10*time.Minute)
	t.duration("choose_timeout", &p.ChooseTimeout, 3*time.Second, 10*time.Minute)
}

func (t *table) debug(b *Debug) {
	t.text("listen", &b.Listen, isListen)
	t.socket("socket", &b.Socket)
	t.file("token_file", &b.TokenFile)
	open := !localListen(b.Listen)
	t.tls(&b.TLSCert, &b.TLSKey, open)
	if open {
		t.need("token_file", `"debug.token"`, "the technicians' port can be reached from the network")
	}
}

// tls reads a certificate and its key, of which there are both or, unless they are needed, neither.
func (t *table) tls(cert, key *string, needed bool) {
	t.file("tls_cert", cert)
	t.file("tls_key", key)
	if needed || t.has("tls_cert") || t.has("tls_key") {
		t.need("tls_cert", `"kiosk.crt"`, "encryption needs the certificate and its key")
		t.need("tls_key", `"kiosk.key"`, "encryption needs the certificate and its key")
	}
}

func (t *table) gpio(g *GPIO) {
	t.need("driver", `"sim"`, "")
	t.choice("driver", &g.Driver, []string{"host", "sim"})
	t.socket("device", &g.Device)
	t.text("chip", &g.Chip, spoken(chipMax))
	if g.Device != "" && g.Driver == "host" {
		t.fail("device", "is for driver \"sim\", and the driver is \"host\": leave it out")
	}
	t.pin("door", &g.Door)
	t.pin("tilt", &g.Tilt)
	t.pin("cancel", &g.Cancel)
	t.pin("retry", &g.Retry)
	t.pin("service", &g.Service)
}

// chipMax is more than a chip's label (31 bytes) or device has.
const chipMax = 40

// collide reports whether two addresses cannot be listened on at once. Port 0 is another free port each time.
func collide(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	return portA == portB && portA != "" && portA != "0" && (hostA == hostB || every(hostA) || every(hostB))
}

func every(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}
