// Package terminal is the life of this machine's terminal at Glase: it is registered once, given a sticker, and given
// up. What Glase answered is kept in the machine's identity before anybody is told that it is done, and of an answer
// that was lost each error says what it means and what to look at.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"kioskd/glase"
	"kioskd/internal/identity"
	"kioskd/ups"
)

// Life is where a terminal's life is kept and who makes it.
type Life struct {
	Path   string // of the identity
	Serial string // of the machine; "": unknown

	// Given is the terminal that the config names, which nobody registers or gives up here; none: the identity's.
	Given identity.Identity

	// Client makes a client of Glase. With a reseller it registers; with an identity it is that terminal.
	Client func(identity.Identity) (*glase.Client, error)
}

// Registration is what a new terminal is to be.
type Registration struct {
	ExternalID string // the merchant's own name of it
	Name       string // shown on the customer's phone
	Password   string // made for it, and never shown
	Again      bool   // make another one although there is one already
}

// ErrRegistered is what Register answers where there is a terminal already, or may be one. Nothing was asked of Glase.
var ErrRegistered = errors.New("this machine is registered already")

// ErrNone is what Assign and Unregister answer without a terminal.
var ErrNone = errors.New("this machine has no terminal: register one with kioskd register")

// ErrGiven is what Register and Unregister answer where the config names the terminal.
var ErrGiven = errors.New(
	"the config names this machine's terminal: take [glase] terminal_id and password_file out first")

// Register makes a terminal and keeps it. That Glase is asked is on the disk before it is: a terminal whose answer was
// lost, whether by the line or by the power, is one that nobody has the password of. It is one attempt, never
// repeated: each would make a terminal.
func (l Life) Register(ctx context.Context, r Registration) (id string, err error) {
	if l.Given.TerminalID != "" {
		return "", ErrGiven
	}
	before, err := identity.Ensure(l.Path, l.Serial)
	if err != nil {
		return "", err
	}
	switch {
	case r.Again:
	case before.TerminalID != "":
		return "", fmt.Errorf("%w, as terminal %s: give that one up first (kioskd unregister), or say --again to make "+
			"another one beside it", ErrRegistered, before.TerminalID)
	case before.Begun != "":
		return "", fmt.Errorf("%w, perhaps: what became of terminal %q was never heard. %s and say --again",
			ErrRegistered, before.Begun, look(before.Begun))
	}
	c, err := l.Client(identity.Identity{})
	if err != nil {
		return "", err
	}
	defer c.Close()
	begun := before
	begun.Begun = r.ExternalID
	if err := identity.Save(l.Path, begun); err != nil {
		return "", fmt.Errorf("nothing was asked of Glase, since its answer could not be kept: %w", err)
	}
	id, err = c.RegisterTerminal(ctx,
		glase.TerminalRegistration{ExternalID: r.ExternalID, Name: r.Name, Password: r.Password})
	switch {
	case errors.As(err, new(*glase.UnknownError)):
		return "", fmt.Errorf("%w. The terminal may have been made. %s and say --again", err, look(r.ExternalID))
	case err != nil:
		return "", errors.Join(fmt.Errorf("%w. No terminal was made", err), identity.Save(l.Path, before))
	}
	made := before // what else makes this machine this machine stays
	made.TerminalID, made.Password, made.Begun = id, identity.NewSecret(r.Password), ""
	if err := identity.Save(l.Path, made); err != nil {
		return "", l.giveBack(ctx, made, err)
	}
	return id, nil
}

// look is what a person does about a terminal of that name which nobody has the password of.
func look(name string) string {
	return fmt.Sprintf("Look in Glase's merchant pages for %q, and have it removed if it is there. Then try again",
		name)
}

// giveBack gives up a terminal that could not be kept.
func (l Life) giveBack(ctx context.Context, i identity.Identity, why error) error {
	c, err := l.Client(i)
	if err == nil {
		defer c.Close()
		err = c.UnregisterTerminal(ctx)
	}
	if err != nil {
		return fmt.Errorf("the terminal %s was made and could not be kept: %w. It could not be given up either: %w. "+
			"Have it removed in Glase's merchant pages", i.TerminalID, why, err)
	}
	return fmt.Errorf("the terminal %s was made, could not be kept, and is given up again: %w", i.TerminalID, why)
}

// Own is this machine's terminal, or ErrNone.
func (l Life) Own() (identity.Identity, error) {
	if l.Given.TerminalID != "" {
		return l.Given, nil
	}
	i, err := identity.Load(l.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && i.TerminalID == "" {
		return i, ErrNone
	}
	return i, err
}

// own is this machine's terminal, and a client of it.
func (l Life) own() (identity.Identity, *glase.Client, error) {
	i, err := l.Own()
	if err != nil {
		return i, nil, err
	}
	c, err := l.Client(i)
	return i, c, err
}

// Assign ties a sticker to this machine's terminal. To repeat it is harmless.
func (l Life) Assign(ctx context.Context, seqrID string) error {
	_, c, err := l.own()
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.AssignSeqrID(ctx, seqrID)
	var refused *glase.ResultError
	switch {
	case errors.As(err, new(*glase.UnknownError)):
		return fmt.Errorf("%w. The sticker may be this machine's now: try again, which changes nothing if it is", err)
	case errors.As(err, &refused) && refused.Code == glase.CodeInvalidSeqrID:
		return fmt.Errorf("%w. Glase does not know the sticker %q, or it is another terminal's: a sticker belongs to "+
			"one terminal only. Compare it with what is printed on it", err, seqrID)
	}
	return err
}

// Unregister gives this machine's terminal up, and forgets it once Glase says that it is gone. An answer that was lost
// leaves it: to try again is harmless.
func (l Life) Unregister(ctx context.Context) (id string, err error) {
	if l.Given.TerminalID != "" {
		return "", ErrGiven
	}
	i, c, err := l.own()
	if err != nil {
		return "", err
	}
	defer c.Close()
	err = c.UnregisterTerminal(ctx)
	if errors.As(err, new(*glase.UnknownError)) {
		return "", fmt.Errorf(
			"%w. The terminal may be gone: try again. A refusal of the terminal itself then means that "+
				"it is", err)
	}
	if err != nil && !gone(err) {
		return "", err
	}
	id = i.TerminalID
	i.TerminalID, i.Password = "", identity.Secret{}
	if err := identity.Save(l.Path, i); err != nil {
		return "", fmt.Errorf("the terminal %s is given up, and still in %s: %w. Try again", id, l.Path, err)
	}
	return id, nil
}

// gone: Glase says that the terminal is no longer one; or it does not know it after an attempt whose answer was lost.
// Without such an attempt that may as well be a password that is wrong.
func gone(err error) bool {
	var refused *glase.ResultError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case glase.CodeInvalidInitiatorState:
		return true
	case glase.CodeAuthenticationFailed, glase.CodeInvalidInitiatorPrincipalID, glase.CodeInitiatorPrincipalNotFound:
		return refused.AfterUnknown
	}
	return false
}

// ErrNoSticker is what Sticker answers, wrapped with the reason.
var ErrNoSticker = errors.New("no sticker's id")

// seqrIDMax is the length of the longest sticker's id, in characters.
const seqrIDMax = 64

// Sticker reads a sticker's id as it is typed, or as a scanner reads it from the sticker: the id alone, as a Code 128,
// or the whole payload of its QR.
func Sticker(text string) (string, error) {
	text = strings.TrimSpace(text)
	if q, err := ups.ParseQR(text); err == nil {
		if q.Kind != ups.KindSticker {
			return "", fmt.Errorf("%w: this QR is of another kind (%s): scan the sticker's", ErrNoSticker, q.Kind)
		}
		return q.SeqrID, nil
	}
	odd := strings.IndexFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	switch {
	case text == "":
		return "", fmt.Errorf("%w: nothing was said", ErrNoSticker)
	case len(text) > seqrIDMax:
		return "", fmt.Errorf("%w: it is longer than %d characters", ErrNoSticker, seqrIDMax)
	case odd >= 0:
		return "", fmt.Errorf("%w: it has letters and digits alone, and this has %q", ErrNoSticker, text[odd:odd+1])
	}
	return text, nil
}
