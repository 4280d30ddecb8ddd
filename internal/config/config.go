package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"time"
	_ "time/tzdata" // the same time zones on every image, also on one without zoneinfo

	"kioskd/hw/vend"
	"kioskd/internal/money"
	"kioskd/internal/plainfile"
)

// fileMax bounds the file, in bytes: a config of slotsMax slots with a comment on every line is far below.
const fileMax = 1 << 20

// Example is a whole config with a comment on every key, for a simulated kiosk that talks to a glasesim on this
// machine.
//
//go:embed example.toml
var Example string

// The values of [payment].flow.
const (
	Reservation = "reservation" // QR of the machine; reserve, choose, take, pay for what came out
	Sticker     = "sticker"     // QR on a sticker; choose, pay, take, refund what did not come out
	Invoice     = "invoice"     // as Sticker, with the QR of each invoice on the display
	Web         = "web"         // as Invoice, chosen and paid on a page to which the display's QR leads
)

// Config is the whole file. It holds no secret, only the names of the files that do (see ReadSecret); it may be logged.
// Every path in it is absolute or relative to the working directory.
type Config struct {
	Machine Machine
	Glase   Glase
	UPS     UPS
	Payment Payment
	Shop    Shop
	Journal Journal
	Debug   Debug
	Display Display
	GPIO    GPIO
	Pins    []Pin  // those that are not wired the usual way
	Slots   []Slot // 1 to 64, in the order of the file

	Keypad      Keypad
	Temperature Temperature
	Printer     Printer
	Fleet       Fleet

	Boards map[string]vend.Board // what slots share, by section
}

// Machine is what this machine is.
type Machine struct {
	Name string // on the display and the phone, 1 to 60 characters
	// the machine's id in its QR, 1 to 64 letters and digits; "" is possible outside Reservation
	Token    string
	Language string         // one of words.Languages
	Currency string         // ISO 4217; of every amount in the config
	Timezone *time.Location // of what people read; records are in UTC
	Support  string         // one line shown with the sale's code when something failed, or ""
}

// Glase is how to reach Glase and who we are there.
type Glase struct {
	Endpoint     string // of the SOAP service; https, or http within this machine
	MerchantID   string // in the machine's QR; "" is possible outside Reservation
	TerminalID   string // "" when the identity file has it
	PasswordFile string // of the terminal; "" when the identity file has the password
	ClientID     string // the company's name, sent with every call

	Timeout            time.Duration // of one attempt
	ReservationTimeout time.Duration // whole seconds, from sendInvoice on

	ResellerID, ResellerUser, ResellerPasswordFile string // for registering and reports; all but the user may be ""
}

// UPS is where Glase reaches this machine. All of it is empty when nothing can: then payments are only polled for.
type UPS struct {
	Listen          string // host:port; "" is possible in a fleet, whose gateways are called instead
	PublicURL       string // how Glase sees Listen and PathPrefix; createPurchase is at PublicURL + "/createPurchase"
	PathPrefix      string // before /createPurchase and /notify/ at Listen; "" or "/…" without a slash at the end
	TLSCert, TLSKey string // both or neither
	BehindProxy     bool   // a proxy in front ends the TLS

	// who may call, by the address at the other end of the connection: behind a proxy, the proxy's; none: everybody
	Allow []netip.Prefix
	// authorities, one of which has signed the certificate of whoever may call; "": no certificate is asked for
	ClientCA string
}

// Shop is the page on which customers choose and pay, at PublicURL + "/s/".
type Shop struct {
	Enabled bool // flow Web: always; flow Reservation: when it is asked for
}

// Payment is how a sale goes.
type Payment struct {
	Flow          string        // Reservation, Sticker, Invoice or Web
	SeqrID        string        // of the sticker; "" is possible outside Sticker
	ReserveMax    money.Amount  // most that one customer reserves; no amount is possible outside Reservation
	PINTimeout    time.Duration // for the customer to confirm in the app
	ChooseTimeout time.Duration // for the customer to choose, anew after every product
}

// Journal is where the sales are recorded.
type Journal struct{ Path string }

// Debug is the technicians' port.
type Debug struct {
	Listen          string // host:port
	Socket          string // unix socket: the same port without the network
	TokenFile       string // "" for no token, which only a loopback Listen may have
	TLSCert, TLSKey string // both or neither
}

// GPIO is the pins that belong to no slot; each is a name like "GPIO17", or "" when there is no such wire.
type GPIO struct {
	Driver  string // "host" or "sim"
	Chip    string // host: the chip to look on, by device or label; "" for all
	Device  string // sim: the unix socket of a board in a process of its own; "" for a board within this one
	Door    string
	Tilt    string
	Cancel  string
	Retry   string
	Service string // button for the technician: three presses show the code of the page on a phone
}

// Slot is one place for products.
type Slot struct {
	ID     string // 1 to 8 upper-case letters and digits, unique
	Name   string // of the product, 1 to 60 characters
	Price  money.Amount
	Stock  int    // products in it when the journal is new, 0 to 10000
	VAT    *int   // whole percent, nil when not declared
	EAN    string // 8 to 14 digits, or ""
	Button string // pin, or ""
	MaxOn  time.Duration

	Driver    string      // the word for the kind of slot
	Vend      vend.Config // what that kind has to say; nil of a slot with mistakes
	AtMachine bool        // the customer chooses at the machine itself

	// what stands there and is for other kinds: a mistake, and an output that it names goes off all the same
	strays []vend.Config

	Perishable bool // sold only while Temperature's sensor says that it was kept well
}

// Default is the config of a file that sets none of the optional keys: the Default column of the package's table.
func Default() Config {
	return Config{
		Machine: Machine{Language: "en", Timezone: time.UTC},
		Glase:   Glase{Timeout: 3 * time.Second, ReservationTimeout: 10 * time.Minute, ResellerUser: "9900"},
		Payment: Payment{Flow: Reservation, PINTimeout: time.Minute, ChooseTimeout: time.Minute},
		Journal: Journal{Path: "/var/lib/kioskd/journal.db"},
		Debug:   Debug{Listen: "127.0.0.1:8081", Socket: "/run/kioskd/debug.sock"},
		Display: Display{Driver: "none"},

		Temperature: Temperature{Min: coldest, Hold: holdDefault},
		Printer:     Printer{Width: widthDefault, CodePage: codePageDefault},
	}
}

// Load reads the file, whose slots are of these kinds. Its error is of type Errors.
func Load(path string, kinds []vend.Kind) (Config, error) { return LoadJudged(path, kinds, nil) }

// Judge answers what is wrong with a text that people read on the config's display, and what to write instead; "":
// nothing.
type Judge func(c Config, text string) string

// LoadJudged is Load for one who knows more of the texts that people read. What the judge complains of is a problem
// like any other.
func LoadJudged(path string, kinds []vend.Kind, judge Judge) (Config, error) {
	b, err := readFile(path)
	if err != nil {
		return Config{}, Errors{{File: path, Message: err.Error()}}
	}
	return parse(path, b, filepath.Dir(path), kinds, judge)
}

// readFile reads one byte more than fileMax at the utmost: see document.open.
func readFile(path string) ([]byte, error) {
	b, _, err := plainfile.Read(path, fileMax)
	var other *plainfile.KindError
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("does not exist: %s", (&document{file: path}).createIt())
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("cannot be read: permission denied: run kioskd as its own user or as root")
	case errors.As(err, &other) && other.Mode.IsDir():
		return nil, fmt.Errorf("is a folder: name the file in it, like %s", filepath.Join(path, "kioskd.toml"))
	case errors.As(err, &other):
		return nil, fmt.Errorf(
			"%s: name a file with --config, like one that kioskd check --example > kioskd.toml has made", other.What())
	case errors.As(err, &at):
		return nil, fmt.Errorf("cannot be read: %w", at.Err)
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return b, nil
}

// Parse reads the bytes of a file. Name is what the problems call it; relative paths in it are relative to the folder
// dir. Its error is of type Errors and holds every problem, except that a mistake in the grammar of TOML or a key that
// stands twice hides the others: what the file means is not known then.
func Parse(name string, b []byte, dir string, kinds []vend.Kind) (Config, error) {
	return parse(name, b, dir, kinds, nil)
}

func parse(name string, b []byte, dir string, kinds []vend.Kind, judge Judge) (Config, error) {
	d := &document{file: name, dir: dir, known: map[string][]string{}, wires: map[string]place{}}
	c := Default()
	if top := d.open(b); top != nil {
		d.sections(top, &c, kinds)
		d.unknown()
		d.judge(c, judge)
	}
	if len(d.problems) > 0 {
		return c, d.problems.sorted()
	}
	return c, nil
}
