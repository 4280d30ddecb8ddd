package glasetest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The documentation's public test credentials.
const (
	TestTerminal         = "public_test_shop_terminal"
	TestTerminalPassword = "12345678"
	TestReseller         = "public_test_shop"
	TestResellerUser     = "9900"
	TestResellerPassword = "1234"
)

const (
	typeTerminal = "TERMINALID"
	typeReseller = "RESELLERUSER"

	// terminalsMax, invoicesMax and receiptsMax bound what callers can make Glase remember; beyond the first two it is
	// SYSTEM_BUSY, and a receipt beyond the third is not kept.
	terminalsMax = 10_000
	invoicesMax  = 1_000_000
	receiptsMax  = 16

	// seqrIDMax bounds a seqrId; stickers carry some ten characters.
	seqrIDMax = 40

	// Of the client's context, as the documentation gives them, in characters.
	channelMax, commentMax, referenceMax = 40, 80, 32
)

// terminal is a point of sale that Glase knows. All of it is guarded by Glase.mu.
type terminal struct {
	id, external, password, name string
	builtin, gone                bool
	seqrID                       string
	current                      *invoice            // the latest, to which the sticker leads
	byClientID                   map[string]*invoice // clientInvoiceId → invoice
}

// caller is who makes a call: a terminal, or the reseller's user when term is nil.
type caller struct{ term *terminal }

// authenticate finds the caller in the request's context. The order of its checks is that of a directory: what kind of
// name, which name, alive, password.
func (g *Glase) authenticate(n *node) (caller, *refusal) {
	ctx := n.child("context")
	who := ctx.child("initiatorPrincipalId")
	id, kind := who.value("id"), who.value("type")
	if kind != typeTerminal && kind != typeReseller || id == "" {
		return caller{}, refuse(InvalidPrincipalID, "the context names no TERMINALID or RESELLERUSER")
	}
	password := ctx.value("password")
	var c caller
	if kind == typeReseller {
		if id != TestReseller || who.value("userId") != TestResellerUser {
			return c, refuse(PrincipalNotFound, "unknown reseller user")
		}
		if password != TestResellerPassword {
			return c, refuse(AuthenticationFailed, "wrong password of the reseller user")
		}
	} else {
		c.term = g.terminals[id]
		if c.term == nil {
			return c, refuse(PrincipalNotFound, "unknown terminal")
		}
		if c.term.gone {
			return c, refuse(InvalidPrincipalState, "the terminal was unregistered")
		}
		if password != c.term.password {
			return c, refuse(AuthenticationFailed, "wrong password of the terminal")
		}
	}
	for name, most := range map[string]int{"channel": channelMax, "clientComment": commentMax,
		"clientReference": referenceMax} {
		if len([]rune(ctx.value(name))) > most {
			return c, refuse(RejectedBusinessLogic, fmt.Sprintf("%s is longer than %d characters", name, most))
		}
	}
	return c, nil
}

func (g *Glase) registerTerminal(_ caller, n *node, ans *answer) *refusal {
	if n.value("password") == "" || n.value("externalTerminalId") == "" {
		return refuse(RejectedBusinessLogic, "a terminal needs an externalTerminalId and a password")
	}
	if len(g.terminals) >= terminalsMax {
		return refuse(SystemBusy, "too many terminals")
	}
	t := &terminal{id: g.opaque("terminal", fmt.Sprint(len(g.terminals))), external: n.value("externalTerminalId"),
		password: n.value("password"),
		name:     n.value("name"), byClientID: map[string]*invoice{}}
	g.terminals[t.id] = t
	ans.TerminalID = t.id
	return nil
}

// unregisterTerminal leaves the terminal's payments in the books, ends what is open, and frees its sticker.
func (g *Glase) unregisterTerminal(c caller, _ *node, _ *answer) *refusal {
	for _, ref := range slices.Sorted(maps.Keys(g.invoices)) {
		if i := g.invoices[ref]; i.term == c.term {
			g.destroy(i, "the terminal was unregistered")
		}
	}
	delete(g.stickers, c.term.seqrID)
	c.term.gone, c.term.seqrID, c.term.current = true, "", nil
	return nil
}

func (g *Glase) assignSeqrID(c caller, n *node, _ *answer) *refusal {
	id := n.value("seqrId")
	if id == "" || len(id) > seqrIDMax ||
		strings.Trim(strings.ToLower(id), "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return refuse(InvalidSeqrID, "a seqrId is letters and digits")
	}
	if t := g.stickers[id]; t != nil && t != c.term {
		return refuse(InvalidSeqrID, "the seqrId belongs to another terminal")
	}
	delete(g.stickers, c.term.seqrID)
	g.stickers[id], c.term.seqrID = c.term, id
	return nil
}

// cashRegister says that a terminal holds one invoice at a time.
func (g *Glase) cashRegister(t *terminal) bool {
	return !t.builtin || g.faults.Choices.TestTerminal == "cash_register"
}

// destroy ends an invoice that was overtaken, and lets go of what it held. One that has ended already stays as it is.
func (g *Glase) destroy(i *invoice, why string) {
	switch {
	case i == nil:
	case i.status == Reserved:
		g.move(g.now(), i, Release, "", i.reserved, why)
		g.become(i, Canceled)
	case i.open():
		g.become(i, Canceled)
	}
}

// opaque is an identifier that tells nothing, the same in every run with the same seed.
func (g *Glase) opaque(what, of string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", g.cfg.Seed, what, of))
	return hex.EncodeToString(sum[:16])
}
