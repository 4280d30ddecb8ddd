// Package reason lists the words that say why: why a sale ended as it did, why a product cannot be had, why the machine
// is out of service.
//
// They are stable, since they are recorded and shown: a word is never given another meaning, and one that is not used
// any more stays readable in old records. Each of them is said to customers in each language, by package words.
package reason

// Why is one of the words; "" is no reason. A record of another version may hold a word that is not listed here.
type Why string

// How a sale ended otherwise than a customer hoped.
const (
	CancelledByCustomer Why = "cancelled_by_customer"
	CancelledOnPhone    Why = "cancelled_on_phone"
	PinTimeout          Why = "pin_timeout"
	NothingChosen       Why = "nothing_chosen"
	WalkedAway          Why = "walked_away"
	NotDelivered        Why = "not_delivered" // the dispenser gave no better word
	Unknown             Why = "unknown"       // nor for this: nobody knows whether it came out
	Timeout             Why = "timeout"       // the dispenser did not say in time
	Restarted           Why = "restarted"     // kioskd began anew in the middle of it
	Overcharged         Why = "overcharged"
	ReservationExpired  Why = "reservation_expired"
	PaymentFailed       Why = "payment_failed"
	InvoicingFailed     Why = "invoicing_failed"
	InDoubt             Why = "in_doubt"
	Resolved            Why = "resolved" // a person decided
)

// What a dispenser says of a vend that was no plain delivery; package vend says of each what it means for the product.
const (
	Jam           Why = "jam"
	Stopped       Why = "stopped"
	Busy          Why = "busy"
	Setup         Why = "setup"
	StuckSensor   Why = "stuck_sensor"
	SensorFault   Why = "sensor_fault"
	RelayFault    Why = "relay_fault"
	Empty         Why = "empty"
	NoMotor       Why = "no_motor"
	NoHome        Why = "no_home"
	HomeFault     Why = "home_fault"
	TwoDropped    Why = "two_dropped"
	StandsOpen    Why = "stands_open"
	NotOpened     Why = "not_opened"
	LeftOpen      Why = "left_open"
	NoBoard       Why = "no_board"
	Refused       Why = "refused"
	Ended         Why = "ended"
	MotorFault    Why = "motor_fault"
	MachineFailed Why = "machine_failed"
	Reset         Why = "reset"
	NoAnswer      Why = "no_answer"
	Unplugged     Why = "unplugged"
	NoSuchSlot    Why = "no_such_slot" // the config has it no more
)

// What stands against selling.
const (
	Starting    Why = "starting"
	Resolving   Why = "resolving"    // a sale that the start found open
	Technician  Why = "technician"   // works on the machine
	Door        Why = "door"         // the service door is open; closing it opens all closed slots again
	Journal     Why = "journal"      // cannot be written: nothing new moves
	JournalLost Why = "journal_lost" // it is known to miss its newest part; it stands until a person accepts that
	Display     Why = "display"
	Hardware    Why = "hardware" // a button or a switch cannot be watched
	MDB         Why = "mdb"
	Tilt        Why = "tilt"
	Board       Why = "board"
	LockBoard   Why = "lock_board"
	LockPlate   Why = "lock_plate"
	ClonedCard  Why = "cloned_card"
	SoldOut     Why = "sold_out"
	TooWarm     Why = "too_warm" // perishable products were not kept as they should: their slots are closed
	Stopping    Why = "stopping" // the daemon is ending
	Held        Why = "held"     // somebody is about to stop the daemon
	// Glase refused for good to charge what a customer took: the next one would be free
	ChargeRefused Why = "charge_refused"
	ForeignCancel Why = "foreign_cancel" // a second reservation of ours within a day was cancelled by somebody else
	// somebody at the desk wants it so, until somebody there says otherwise
	Operator Why = "operator"
)

// Why a choice is not taken, besides many of those above.
const (
	TooLate      Why = "too_late"
	TooExpensive Why = "too_expensive"
	Closed       Why = "closed" // until a technician has looked at the slot
	UnknownCode  Why = "unknown_code"
)

// What is recorded of an item and shown to nobody but a technician.
const (
	NotStarted Why = "not_started" // its vend was asked for, and no motor had moved
	Charged    Why = "charged"     // that it came out is known by what Glase charged
)

// Ends are the words that a customer may read as a sale's end, or as what keeps the machine from selling.
func Ends() []Why {
	return []Why{
		CancelledByCustomer, CancelledOnPhone, PinTimeout, NothingChosen, WalkedAway, NotDelivered, Unknown,
		Timeout, Restarted, Overcharged, ReservationExpired, PaymentFailed, InvoicingFailed, InDoubt, Resolved, Jam,
		Stopped, Busy, Setup, StuckSensor, SensorFault, RelayFault, Empty, NoMotor, NoHome, HomeFault, TwoDropped,
		StandsOpen, NotOpened, LeftOpen, NoBoard, Refused, Ended, MotorFault, MachineFailed, Reset, NoAnswer,
		Unplugged, NoSuchSlot, Starting, Resolving, Technician, Door, Journal, JournalLost, Display, Hardware, MDB,
		Tilt, Board, LockBoard, LockPlate, ClonedCard, SoldOut, TooWarm, Stopping, Held, ChargeRefused,
		ForeignCancel, Operator,
	}
}

// Choices are the words that a customer may only read as the answer to a choice.
func Choices() []Why { return []Why{TooLate, TooExpensive, Closed, UnknownCode} }

// Notes are the words that no customer reads.
func Notes() []Why { return []Why{NotStarted, Charged} }

// All are all the words, each of them once.
func All() []Why { return append(append(Ends(), Choices()...), Notes()...) }
