// Package protocol is what the kiosks of a fleet, its gateways and its collectors say to each other over NATS:
// subjects, headers and messages. It opens no connection; docs/fleet.md tells it as a story.
//
//	k.<id>.purchase notify page do   a request to a kiosk, answered on the asker's inbox
//	g.<gateway>.clock                a kiosk asks how late it is by a gateway's clock
//	j.<id>                           one journal entry, in the stream Journal
//	have.<id>                        a collector tells the kiosk what the operator's database holds
//	ask.<id>                         a kiosk asks a collector the same
//	s.<id>                           a kiosk's status
//	hint.<id>, hint.group.<group>, hint.all   what is wanted has changed: look
package protocol

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kinds of requests to a kiosk; the last part of the subject.
const (
	Purchase = "purchase" // Glase's createPurchase
	Notify   = "notify"   // Glase's notification of a sale
	Page     = "page"     // a customer's browser
	Do       = "do"       // a person's command
)

// RequestMax bounds a request to a kiosk, headers included, in bytes.
const RequestMax = 8 << 10

// Request is the subject of a kind of request to a kiosk.
func Request(kiosk, kind string) string { return "k." + kiosk + "." + kind }

// Requests is what a kiosk subscribes to.
func Requests(kiosk string) string { return "k." + kiosk + ".*" }

// Clock is where a gateway tells what its clock says.
func Clock(gateway string) string { return "g." + gateway + ".clock" }

// Stream holds the entries on their way, and Entries are their subjects. It is transport: what it loses is sent again.
const (
	Stream  = "JOURNAL"
	Entries = "j.*"
)

// Entry is the subject of a kiosk's entries.
func Entry(kiosk string) string { return "j." + kiosk }

// Have is where a kiosk hears what the operator's database holds, as a Held.
func Have(kiosk string) string { return "have." + kiosk }

// Ask is where a kiosk asks for the same; any collector answers with a Held.
func Ask(kiosk string) string { return "ask." + kiosk }

// Status is the subject of a kiosk's status.
func Status(kiosk string) string { return "s." + kiosk }

// Wanted is the KV bucket of what the operator wants of each machine; the keys are WantedOf, WantedOfGroup and
// WantedOfAll.
const (
	Wanted      = "want"
	WantedOfAll = "all"
)

// WantedOf is the key, in Wanted, of what is wanted of one kiosk.
func WantedOf(kiosk string) string { return "k." + kiosk }

// WantedOfGroup is the key of what is wanted of a group.
func WantedOfGroup(group string) string { return "g." + group }

// WantedAt is where the last value of a key is asked for, with an empty body; the answer is the value, or one with the
// header Status: 404 when there is none. A kiosk asks there itself and not through a library, which would first ask
// for the whole bucket's state: that tells of other kiosks, so no kiosk may.
func WantedAt(key string) string {
	return "$JS.API.DIRECT.GET.KV_" + Wanted + ".$KV." + Wanted + "." + key
}

// Hint is where a kiosk hears that its own key has changed.
func Hint(kiosk string) string { return "hint." + kiosk }

// HintGroup is the same for a group's key, and HintAll for everybody's.
func HintGroup(group string) string { return "hint.group." + group }

// HintAll is the hint for the key WantedOfAll.
const HintAll = "hint.all"

// Inbox is the prefix of whoever's inboxes: nobody may listen at another's.
func Inbox(user string) string { return "_I." + user }

// OwnInbox finds whether a reply's subject is an inbox of that user's. The brokers check where somebody publishes, and
// not where he wants an answer: asked with the reply have.B, whoever answers kiosk A would speak to B with his own
// word. So who may publish more than the asker answers at the asker's inbox only: a hub, and a gateway about its clock.
func OwnInbox(user, reply string) bool {
	rest, ok := strings.CutPrefix(reply, Inbox(user)+".")
	return ok && rest != "" && !strings.ContainsAny(rest, "*> ")
}

// idMax is of a kiosk's id in characters, as of its token.
const idMax = 64

// CheckID finds whether a text can be a kiosk's id: its token, 1 to 64 letters and digits.
func CheckID(id string) error {
	ok := id != "" && len(id) <= idMax
	for n := 0; ok && n < len(id); n++ {
		c := id[n]
		ok = 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
	}
	if !ok {
		return fmt.Errorf("fleet: %q is no kiosk's id: 1 to %d letters and digits", id, idMax)
	}
	return nil
}

// Headers of messages. They are written as here; NATS does not change their case.
const (
	headerAsked  = "Kioskd-Asked"  // gateway, its clock at the request, how long the request lives
	HeaderFrom   = "Kioskd-From"   // the caller's IP address, as the gateway saw it
	HeaderMore   = "Kioskd-More"   // "1" on each part of an answer but the last
	HeaderGone   = "Kioskd-Gone"   // in a request without a body: whose inbox need not be answered any more
	HeaderHash   = "Kioskd-Hash"   // of an entry, hexadecimal
	HeaderFirst  = "Kioskd-First"  // of an entry: the number of the oldest that the kiosk still has
	HeaderID     = "Nats-Msg-Id"   // of an entry: kiosk, number, round; see MessageID
	HeaderKiosk  = "Kioskd-Kiosk"  // the kiosk's version of the program
	HeaderStatus = "Kioskd-Status" // of an answer that is none: Stale or Busy
)

// Values of HeaderStatus.
const (
	Stale = "stale" // older than its life, or nobody can say
	Busy  = "busy"  // too many at once
)

// Gates is the user of whom every gateway is one: each listens below Inbox(Gates) with its own name. The dash keeps it
// from being a kiosk's id, or a kiosk called so could listen there.
const Gates = "the-gates"

// Asked is when a request was made and how long it lives, by the clock of the gateway that made it: nanoseconds since
// that gateway started, whose name is new with every start. No wall clock is trusted by anybody.
type Asked struct {
	Gateway string // letters and digits
	At      time.Duration
	Life    time.Duration
}

// Write puts it into a message's headers.
func (a Asked) Write(h map[string][]string) {
	h[headerAsked] = []string{a.String()}
}

// String is how it is written.
func (a Asked) String() string {
	b := make([]byte, 0, len(a.Gateway)+2*20)
	b = append(append(b, a.Gateway...), ' ')
	b = append(strconv.AppendInt(b, int64(a.At), 10), ' ')
	return string(strconv.AppendInt(b, int64(a.Life), 10))
}

// lifeMax bounds a request's life: what claims more is no gateway's.
const lifeMax = time.Minute

// ReadAsked reads it from a message's headers. What has none must not be served.
func ReadAsked(h map[string][]string) (Asked, error) {
	var a Asked
	v := h[headerAsked]
	if len(v) != 1 {
		return a, errors.New("fleet: a request without its age")
	}
	parts := strings.Split(v[0], " ")
	if len(parts) != 3 || CheckID(parts[0]) != nil {
		return a, fmt.Errorf("fleet: %q is no age", v[0])
	}
	at, err := strconv.ParseInt(parts[1], 10, 64)
	life, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || err2 != nil || at < 0 || life <= 0 || time.Duration(life) > lifeMax {
		return a, fmt.Errorf("fleet: %q is no age", v[0])
	}
	return Asked{Gateway: parts[0], At: time.Duration(at), Life: time.Duration(life)}, nil
}

// MessageID names one sending of an entry, for the stream to drop a doubled one. Whoever sends entries again because
// the database lost them does so in a new round, or the stream would drop them.
func MessageID(kiosk string, seq int64, round uint32) string {
	return fmt.Sprintf("%s:%d:%d", kiosk, seq, round)
}

// Held is what the operator's database holds of a kiosk's journal. It alone moves what the kiosk may let go of, forward
// or, when a database was restored, back.
type Held struct {
	Seq  int64  `json:"seq"`            // of the last entry without a gap before it; 0: none
	Hash string `json:"hash,omitempty"` // of that entry, hexadecimal
	// another entry with a number that the database holds was sent: there are two machines with this id
	Fork bool `json:"fork,omitzero"`
}

// Answers of a gateway when no kiosk answers: what Glase's createPurchase gets then.
const (
	Unavailable = `{"errorCode":"DEVICE_UNAVAILABLE"}`
	JSON        = "application/json;charset=UTF-8"
)

// KindOf says what kind of request a path below the gateway's own prefix is; "": none.
func KindOf(method, path string) string {
	switch {
	case path == "/createPurchase":
		return Purchase
	case strings.HasPrefix(path, "/notify/") && method == http.MethodPost:
		return Notify
	case strings.HasPrefix(path, "/notify/"), strings.HasPrefix(path, "/s/"):
		return Page
	}
	return ""
}
