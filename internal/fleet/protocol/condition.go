package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ConditionEvery is how long a connected kiosk is silent at most: it tells its condition on each change, and again
// after a random time of up to ConditionEvery. Whoever has heard nothing for much longer may call it silent.
const ConditionEvery = 5 * time.Minute

// ConditionMax bounds a condition as JSON, in bytes: that of 64 slots with long names, and room.
const ConditionMax = 32 << 10

// Condition is how a kiosk is, told on the subject Status as JSON. It is for people and moves no money: the journal's
// entries say what was sold.
type Condition struct {
	Version string `json:"version"` // of the program
	// Run names the kiosk's process, anew with every start. Two that tell theirs at a time are two machines with
	// one id.
	Run string `json:"run"`
	// Hello is in the first one of each connection. Whoever hears it from another run with its own id has the older
	// connection, and lets go of it.
	Hello bool `json:"hello,omitzero"`
	// At is the machine's own clock, in whole seconds, and Synced whether the kernel believes it. The times below are
	// by the same clock, and right beside At even if it is wrong.
	At      time.Time `json:"at"`
	Synced  bool      `json:"synced"`
	Started time.Time `json:"started"` // the process

	Phase  string `json:"phase"` // as in /api/status
	Step   string `json:"step"`
	Reason string `json:"reason,omitempty"`
	// Faults stand against selling; none is an empty list.
	Faults []ConditionFault `json:"faults"`
	// Doubts are the sales that wait for a person; nil: the journal could not be read.
	Doubts *int `json:"doubts,omitempty"`

	Last int64 `json:"last"` // the number of the journal's last entry
	Held int64 `json:"held"` // of the last that the operator's database is known to hold; 0: none, or not known yet

	// Troubles are what is wrong with the computer that the kiosk runs on, its card above all, and does not stop it
	// from selling yet; at most TroublesMax.
	Troubles []ConditionTrouble `json:"troubles,omitempty"`

	Want *WantState `json:"want,omitempty"` // how far it is with what is wanted of it; nil: it does not say

	Currency string `json:"currency"`
	// Slots are left out (nil) of a condition that is told only because time has passed: they are as last told.
	Slots []ConditionSlot `json:"slots,omitempty"`
	// Books are the last period that was balanced with Glase's reports; nil: none was, or they are as last told.
	Books *ConditionBooks `json:"books,omitempty"`
}

// BooksMax bounds the verdicts that a condition has one by one.
const BooksMax = 20

// ConditionBooks is what became of a period's books.
type ConditionBooks struct {
	Number  int       `json:"number"`            // of the report, from 1
	Ended   time.Time `json:"ended"`             // by the machine's clock
	Problem string    `json:"problem,omitempty"` // why there is no balance
	// Verdicts is how many sales have each, in the words of package books.
	Verdicts map[string]int `json:"verdicts,omitempty"`
	// Open are the first of those that a person must look into, at most BooksMax.
	Open []ConditionVerdict `json:"open,omitempty"`
}

// ConditionVerdict is what the books say of one sale.
type ConditionVerdict struct {
	Sale    string `json:"sale"` // or Glase's reference, when no sale of the machine's has it
	Verdict string `json:"verdict"`
	Note    string `json:"note,omitempty"`
}

// TroublesMax bounds the troubles of a condition, and noteMax what is told of one, in bytes.
const (
	TroublesMax = 16
	noteMax     = 200
)

// ConditionTrouble is one thing that is wrong with the computer.
type ConditionTrouble struct {
	Name string `json:"name"`           // a word, as "disk_low"
	Note string `json:"note,omitempty"` // the facts, cut by Short
}

// Short cuts a note to what a condition has room for.
func Short(note string) string {
	if len(note) <= noteMax {
		return note
	}
	return strings.ToValidUTF8(note[:noteMax], "") + "…"
}

// ConditionFault is one reason that stands against selling.
type ConditionFault struct {
	Name  string    `json:"name"`            // a word of package reason
	Hard  bool      `json:"hard,omitzero"`   // it ended the sale that was on
	Slots []string  `json:"slots,omitempty"` // it stands against these alone; none: against the machine
	Note  string    `json:"note,omitempty"`  // for a technician: the facts
	Since time.Time `json:"since"`           // or since the start, when it is older than that
}

// ConditionSlot is one slot's product.
type ConditionSlot struct {
	Slot     string `json:"slot"`
	Name     string `json:"name"`
	Price    string `json:"price"` // decimal, in the condition's currency
	Left     int    `json:"left"`
	Capacity int    `json:"capacity,omitzero"` // what it is filled up to by the config; 0: not known
	State    string `json:"state,omitempty"`   // "sold_out" or "closed"; "": it can be had
	Why      string `json:"why,omitempty"`     // why it is closed
}

// ReadCondition reads a condition as some kiosk sent it. What a newer program adds to it is passed over.
func ReadCondition(data []byte) (Condition, error) {
	var c Condition
	if len(data) > ConditionMax {
		return c, fmt.Errorf("fleet: a status of %d bytes: at most %d are read", len(data), ConditionMax)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return Condition{}, fmt.Errorf("fleet: no status: %w", err)
	}
	if CheckID(c.Run) != nil || c.Last < 0 || c.Held < 0 {
		return Condition{}, errors.New("fleet: no status: it lacks its run, or counts below 0")
	}
	return c, nil
}
