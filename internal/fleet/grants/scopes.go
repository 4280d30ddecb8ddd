package grants

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"

	"kioskd/internal/fleet/protocol"
)

// Role is what somebody at the brokers is, and so what he may.
type Role string

// The roles.
const (
	Kiosk   Role = "kiosk"
	Gateway Role = "gateway"
	Hub     Role = "hub"
	System  Role = "system" // tells the servers who is revoked; it neither hears nor sends anything of a kiosk
)

// name stands for a user's name, in a template: the servers put it in.
const name = "{{name()}}"

// subscriptionsMax bounds what one kiosk can have a server remember; it needs some ten.
const subscriptionsMax = 64

// answerLife is how long a kiosk may send parts of an answer: a page's stream ends after 30 s.
const answerLife = 2 * time.Minute

// template is what the users of a role may. Nobody but the servers' own account sees others' inboxes: each has a prefix
// of its own, or a kiosk could hear what is answered to another.
func template(r Role, fleet string) (jwt.UserPermissionLimits, error) {
	own := protocol.Inbox(name) + ".>"
	var p jwt.Permissions
	switch r {
	case Kiosk:
		p.Sub.Allow = jwt.StringList{
			protocol.Requests(name), protocol.Have(name),
			protocol.Status(name), // two machines with one id hear each other
			protocol.Hint(name), protocol.HintGroup("*"), protocol.HintAll, own,
		}
		p.Pub.Allow = jwt.StringList{
			protocol.Entry(name), protocol.Status(name), protocol.Ask(name), protocol.Clock("*"),
			// the last value of these keys, one at a time: what lists a bucket tells of other kiosks
			protocol.WantedAt(protocol.WantedOf(name)), protocol.WantedAt(protocol.WantedOfGroup("*")),
			protocol.WantedAt(protocol.WantedOfAll),
		}
		// to whoever asked it, and to nobody else
		p.Resp = &jwt.ResponsePermission{MaxMsgs: jwt.NoLimit, Expires: answerLife}
	case Gateway:
		p.Sub.Allow = jwt.StringList{protocol.Clock("*"), protocol.Inbox(protocol.Gates) + ".>", own}
		p.Pub.Allow = jwt.StringList{
			protocol.Request("*", protocol.Purchase), protocol.Request("*", protocol.Notify),
			protocol.Request("*", protocol.Page),
		}
		p.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: answerLife}
	case Hub:
		// a hub that sends a command says by its own clock how old it is
		p.Sub.Allow = jwt.StringList{protocol.Ask("*"), protocol.Status("*"), protocol.Clock("*"), own}
		p.Pub.Allow = hubMaySend()
		p.Resp = &jwt.ResponsePermission{MaxMsgs: 1, Expires: answerLife}
	case System:
		p.Sub.Allow = jwt.StringList{own}
		p.Pub.Allow = jwt.StringList{claimsUpdate, claimsLookup(fleet), accountInfo(fleet)}
	default:
		return jwt.UserPermissionLimits{}, fmt.Errorf("grants: %q is no role", r)
	}
	scope := jwt.NewUserScope().Template
	scope.Permissions = p
	if r == Kiosk {
		scope.Subs = subscriptionsMax
	}
	return scope, nil
}

// bucket is the stream behind the bucket of what is wanted.
const bucket = "KV_" + protocol.Wanted

// hubMaySend is what a collector sends: it keeps two streams, takes entries from one, says what it has, and writes what
// is wanted. It makes no request of a customer's, and forges no entry.
func hubMaySend() jwt.StringList {
	may := jwt.StringList{
		protocol.Have("*"), protocol.Hint("*"), protocol.HintGroup("*"), protocol.HintAll,
		protocol.Request("*", protocol.Do),
		"$KV." + protocol.Wanted + ".>",
		"$JS.ACK." + protocol.Stream + ".>",
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST",
		"$JS.API.DIRECT.GET." + bucket, "$JS.API.DIRECT.GET." + bucket + ".>",
	}
	for _, stream := range []string{protocol.Stream, bucket} {
		for _, verb := range []string{"CREATE", "UPDATE", "INFO", "MSG.GET"} {
			may = append(may, "$JS.API.STREAM."+verb+"."+stream)
		}
		for _, verb := range []string{"CREATE", "DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT"} {
			may = append(may, "$JS.API.CONSUMER."+verb+"."+stream+".>")
		}
		for _, verb := range []string{"CREATE", "NAMES", "LIST"} { // CREATE without a name makes one that nobody keeps
			may = append(may, "$JS.API.CONSUMER."+verb+"."+stream)
		}
		may = append(may, "$JS.FC."+stream+".>")
	}
	return may
}
