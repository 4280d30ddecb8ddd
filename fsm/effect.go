package fsm

// Effect is something to do, after the step that asked for it is recorded. Every call's outcome comes back as an
// Answered.
type Effect interface{ effect() }

// Refusal says why something that was asked for is not done; "": it is done.
type Refusal string

// Why createPurchase is refused: the error codes of Glase's service for unattended machines.
const (
	InsufficientFunds Refusal = "INSUFFICIENT_FUNDS" // less than the cheapest product that can be sold now
	DeviceInUse       Refusal = "DEVICE_IN_USE"      // another customer is being served
	DeviceUnavailable Refusal = "DEVICE_UNAVAILABLE" // out of service
	InvoicingError    Refusal = "INVOICING_ERROR"    // sendInvoice failed
	SystemError       Refusal = "SYSTEM_ERROR"       // anything else
)

// Why a machine's own request for a product is refused, besides the words of Live.Notice.
const (
	NotChoosing Refusal = "not_choosing" // nobody has a credit to choose for now, or another choice waits
	NoSuchSlot  Refusal = "no_such_slot" // not on the shelf, or not sold in this way; also a technician's
)

// Why a technician's act, a verdict, a person's word on a loss, or what the desk wants is refused.
const (
	SaleIsOn      Refusal = "sale_is_on"      // somebody is being served, or a sale is still being settled
	ActIsOn       Refusal = "act_is_on"       // another technician's act
	NoRecord      Refusal = "no_record"       // the journal cannot be written, or the daemon is ending
	BadCount      Refusal = "bad_count"       // a slot holds 0 to StockMax products
	SaysTooLittle Refusal = "says_too_little" // who does it, what, or why is not said
	// no such sale stands in doubt, nothing came out to charge for, nothing is lost, it is so already
	NothingToDo Refusal = "nothing_to_do"
	BadShelf    Refusal = "bad_shelf" // a slot that the machine has not, or that cannot be sold so
)

// The effects, beside Call.
type (
	// Answer ends a waiting createPurchase, choice, verdict, command or technician's act: with a reference, or with a
	// refusal.
	Answer struct {
		Request   string
		Reference string
		Refusal   Refusal
	}
	// Vend → VendEnded. The one motor start that the item is good for.
	Vend struct {
		Sale string
		Item Item
	}
	// StopVend asks the dispenser to end the item's vend, or a technician's act, at once; VendEnded or ServiceEnded
	// still follows.
	StopVend struct {
		Sale string // none for a technician's act
		Item string
	}
	// Serve carries out a technician's act → ServiceEnded. The one move that the act is good for.
	Serve struct {
		Service Service
	}
	// Restart ends the daemon, for whoever watches over it to start it again.
	Restart struct{}
)

func (Answer) effect()   {}
func (Vend) effect()     {}
func (StopVend) effect() {}
func (Serve) effect()    {}
func (Restart) effect()  {}
