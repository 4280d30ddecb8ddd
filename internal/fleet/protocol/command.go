package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nkeys"
)

// What a person may be.
const (
	Look    = "look"    // reads, and commands nothing
	Operate = "operate" // commands machines
	Admin   = "admin"   // also settles money by hand, and sets what all machines sell
)

// Words of commands, as fsm.Order has them.
const (
	OutOfService = "out_of_service"
	Back         = "back"
	Resolve      = "resolve"
	Refund       = "refund"
	Restart      = "restart"
)

// Bounds of a command.
const (
	CommandMax  = 4 << 10 // bytes of a whole Signed
	commandText = 400     // bytes of a reason
	commandLife = time.Minute
	// what a signature begins with, so that it is good for nothing else
	certificateIs = "kioskd person 1\n"
	commandIs     = "kioskd command 1\n"
)

// Command is what a person wants of one machine, signed by that person. It lives as long as Asked says, by the fleet's
// clock: a kiosk serves it only when the same stands in the message's headers, and has not passed.
type Command struct {
	ID    string `json:"id"`    // letters and digits, new for each act: a repeat has the same
	Kiosk string `json:"kiosk"` // whom it is for, and nobody else
	Word  string `json:"word"`
	// Asked is as Asked.String writes it, and At the hub's wall clock, for a kiosk that knows the time as well.
	Asked string    `json:"asked"`
	At    time.Time `json:"at"`

	Reason   string `json:"reason"`             // for the record
	Sale     string `json:"sale,omitempty"`     // resolve, refund
	Decision string `json:"decision,omitempty"` // resolve: charge, release, refund
	ByHand   bool   `json:"by_hand,omitempty"`  // resolve: it was settled with the payment service in another way
	Amount   string `json:"amount,omitempty"`   // refund: decimal; "": all that is left
}

// Person is who signs commands, certified by the desk's authority.
type Person struct {
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Key     string    `json:"key"` // the public half, an NKey of a user
	Expires time.Time `json:"expires"`
}

// Signed is a command on its way. What was signed are the bytes themselves: nobody writes them anew.
type Signed struct {
	Person          []byte `json:"person"` // JSON of a Person
	PersonSignature []byte `json:"person_signature"`
	Command         []byte `json:"command"` // JSON of a Command
	Signature       []byte `json:"signature"`
}

// Signer signs bytes, as an NKey does.
type Signer interface {
	Sign(text []byte) ([]byte, error)
}

// Certify has the authority say who somebody is.
func Certify(p Person, authority Signer) (person, signature []byte, err error) {
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	if person, err = json.Marshal(p); err != nil {
		return nil, nil, err
	}
	signature, err = authority.Sign(append([]byte(certificateIs), person...))
	return person, signature, err
}

// Sign makes a command that its kiosk will take from that person.
func Sign(c Command, person, personSignature []byte, key Signer) ([]byte, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	s := Signed{Person: person, PersonSignature: personSignature}
	var err error
	if s.Command, err = json.Marshal(c); err != nil {
		return nil, err
	}
	if s.Signature, err = key.Sign(append([]byte(commandIs), s.Command...)); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// Why a command is not taken.
var (
	ErrForged  = errors.New("fleet: the command is not signed by a person whom this fleet's desk knows")
	ErrExpired = errors.New("fleet: the command, or its person's certificate, has expired: sign in and give it again")
	ErrRole    = errors.New("fleet: the person may not give this command")
	ErrOther   = errors.New("fleet: the command is another machine's")
)

// Authority checks a signature of the desk's authority.
type Authority interface {
	Check(text, signature []byte) error
}

// Check reads a command that came for a kiosk, with what the message's headers say about its age, which the caller has
// judged by the fleet's clock. now is the kiosk's own clock, and the zero time when nobody has set it: then what the
// command itself says stands in for it, which is no older than its age.
func Check(data []byte, kiosk string, asked Asked, now time.Time, desk Authority) (Command, Person, error) {
	s, err := ReadSigned(data)
	if err != nil {
		return Command{}, Person{}, err
	}
	if desk == nil || desk.Check(append([]byte(certificateIs), s.Person...), s.PersonSignature) != nil {
		return Command{}, Person{}, ErrForged
	}
	p, err := readStrictly[Person](s.Person)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Command{}, Person{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	key, err := nkeys.FromPublicKey(p.Key)
	if err != nil || key.Verify(append([]byte(commandIs), s.Command...), s.Signature) != nil {
		return Command{}, Person{}, ErrForged
	}
	c, err := readStrictly[Command](s.Command)
	if err == nil {
		err = c.Check()
	}
	if err != nil {
		return Command{}, Person{}, err
	}
	switch {
	case c.Kiosk != kiosk:
		return Command{}, Person{}, ErrOther
	case c.Asked != asked.String() || asked.Life > commandLife:
		return Command{}, Person{}, ErrExpired
	case !p.May(c):
		return Command{}, Person{}, ErrRole
	}
	if now.IsZero() {
		now = c.At
	}
	// a clock that is a little late or early is no reason to refuse; the age by the fleet's clock is
	if !now.Before(p.Expires) || !c.At.Before(p.Expires) || now.Sub(c.At).Abs() > commandLife+commandSlack {
		return Command{}, Person{}, ErrExpired
	}
	return c, p, nil
}

// commandSlack is what the clocks of a hub and a kiosk may differ by when both believe theirs.
const commandSlack = 5 * time.Minute

// May reports whether somebody may give a command: who operates commands, and who administers also settles by hand.
func (p Person) May(c Command) bool {
	return p.Role == Admin || p.Role == Operate && !c.ByHand
}

// ReadSigned reads a command as it was sent; nothing of it is checked yet but its shape.
func ReadSigned(data []byte) (Signed, error) {
	if len(data) > CommandMax {
		return Signed{}, fmt.Errorf("fleet: a command of %d bytes: at most %d are read", len(data), CommandMax)
	}
	return readStrictly[Signed](data)
}

// readStrictly refuses what it does not know: a command that is half understood must not be carried out.
func readStrictly[T any](data []byte) (T, error) {
	var v, none T
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return none, fmt.Errorf("fleet: no command: %w", err)
	}
	if d.More() {
		return none, errors.New("fleet: no command: something follows it")
	}
	return v, nil
}

func (p Person) check() error {
	switch {
	case plainText(p.Name, idMax) != nil || p.Name == "":
		return errors.New("fleet: a person has a name of 1 to 64 bytes in one line")
	case !slices.Contains([]string{Look, Operate, Admin}, p.Role):
		return fmt.Errorf("fleet: %.60q is no role", p.Role)
	case !nkeys.IsValidPublicUserKey(p.Key):
		return errors.New("fleet: a person's key is an NKey of a user")
	}
	return nil
}

// Check finds whether it can be signed and sent. Whether it makes sense there is for the machine to say.
func (c Command) Check() error {
	about := c.Word == Resolve || c.Word == Refund
	switch {
	case CheckID(c.ID) != nil:
		return fmt.Errorf("fleet: %.60q is no command's id: 1 to %d letters and digits", c.ID, idMax)
	case CheckID(c.Kiosk) != nil:
		return CheckID(c.Kiosk)
	case !slices.Contains([]string{OutOfService, Back, Resolve, Refund, Restart}, c.Word):
		return fmt.Errorf("fleet: %.60q is no command: out_of_service, back, resolve, refund or restart", c.Word)
	case strings.TrimSpace(c.Reason) == "" || plainText(c.Reason, commandText) != nil:
		return fmt.Errorf("fleet: a command says why, in one line of at most %d bytes", commandText)
	case about != (c.Sale != "") || plainText(c.Sale, idMax) != nil:
		return errors.New("fleet: resolve and refund name a sale, and nothing else does")
	case (c.Word == Resolve) != (c.Decision != "") || c.Word != Resolve && c.ByHand:
		return errors.New("fleet: resolve has a decision, and nothing else has")
	case c.Decision != "" && !slices.Contains([]string{"charge", "release", "refund"}, c.Decision):
		return fmt.Errorf("fleet: %.60q is no decision: charge, release or refund", c.Decision)
	case c.Amount != "" && c.Word != Refund || plainText(c.Amount, idMax) != nil:
		return errors.New("fleet: refund alone has an amount, in digits and a point")
	}
	return nil
}

func plainText(s string, most int) error {
	if len(s) > most || strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("fleet: a text has a line break, or more than %d bytes", most)
	}
	return nil
}

// Outcome is what became of a command, as the kiosk answers it. A repeat gets the same.
type Outcome struct {
	ID      string `json:"id"`
	Done    bool   `json:"done"` // it is on record, and done or begun
	Refusal string `json:"refusal,omitempty"`
	Text    string `json:"text,omitempty"` // the same for a person
}

// Words of refusals that are on no record: a machine says them before it looks whether it has done the same already.
const (
	Forged  = "forged"
	Expired = "expired"
	NoRole  = "role"
	Other   = "another_machine"
	Unread  = "not_understood"
)

// As package fsm has them.
const (
	noRecord    = "no_record"
	unavailable = "DEVICE_UNAVAILABLE" // it ended meanwhile
	systemError = "SYSTEM_ERROR"       // it has not said anything in time, and may do it yet
)

// Final reports whether it tells what became of the command. first: it answers the only message that has been sent with
// the command's id. To a later one a refusal that is on no record says nothing of those before, which may have acted.
func (o Outcome) Final(first bool) bool {
	switch o.Refusal {
	case systemError, unavailable:
		return false
	case Forged, Expired, NoRole, Other, Unread, noRecord:
		return first
	}
	return true
}
