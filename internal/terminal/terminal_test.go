package terminal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"kioskd/glase"
	"kioskd/glase/glasetest"
	"kioskd/internal/identity"
)

// counted is a line to Glase that counts what goes over it.
type counted struct {
	http.RoundTripper
	requests int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests++
	return c.RoundTripper.RoundTrip(r)
}

// play lets a machine live at a Glase, on virtual time.
func play(t *testing.T, story func(t *testing.T, l Life, g *glasetest.Glase, line *counted)) {
	synctest.Test(t, func(t *testing.T) {
		g := glasetest.New(glasetest.Config{})
		defer g.Close()
		line, calls := &counted{RoundTripper: g.Transport()}, 0
		story(t, Life{
			Path: filepath.Join(t.TempDir(), "identity.json"), Serial: "1000",
			Client: func(i identity.Identity) (*glase.Client, error) {
				return glase.New(glase.Config{
					Endpoint: "http://glase.test/soap/merchant/cashregister-2", ClientID: "test", Transport: line,
					TerminalID: i.TerminalID, Password: i.Password.Reveal(),
					NewReference: func() string { calls++; return fmt.Sprint("call-", calls) },
					Reseller: &glase.Reseller{
						ID: glasetest.TestReseller, UserID: glasetest.TestResellerUser,
						Password: glasetest.TestResellerPassword,
					},
				})
			},
		}, g, line)
	})
}

var lobby = Registration{ExternalID: "lobby-7", Name: "Lobby", Password: "made here"}

func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v does not say %q", err, w)
		}
	}
	if err != nil && strings.Contains(err.Error(), lobby.Password) {
		t.Errorf("the password is in %v", err)
	}
}

func trouble(t *testing.T, g *glasetest.Glase, operation, fault string, count int) {
	t.Helper()
	if err := g.SetFaults(glasetest.Faults{
		Rules: []glasetest.Fault{{Operation: operation, Fault: fault, Count: count}}}); err != nil {
		t.Fatal(err)
	}
}

func TestATerminalIsRegisteredOnceGivenAStickerAndGivenUp(t *testing.T) {
	play(t, func(t *testing.T, l Life, _ *glasetest.Glase, line *counted) {
		first, err := identity.Ensure(l.Path, l.Serial)
		if err != nil {
			t.Fatal(err)
		}
		id, err := l.Register(t.Context(), lobby)
		if err != nil || id == "" {
			t.Fatal(id, err)
		}
		kept, err := identity.Load(l.Path)
		if err != nil || kept.TerminalID != id || kept.Password.Reveal() != lobby.Password || kept.Begun != "" ||
			kept.FleetSeed.Reveal() != first.FleetSeed.Reveal() {
			t.Errorf("kept %v, %q, %v", kept, kept.Begun, err)
		}
		before := line.requests
		_, err = l.Register(t.Context(), lobby)
		if says(t, err, id, "--again"); !errors.Is(err, ErrRegistered) || line.requests != before {
			t.Errorf("%v, with %d requests", err, line.requests-before)
		}
		if err := l.Assign(t.Context(), "ABC123"); err != nil {
			t.Error(err)
		}
		if err := l.Assign(t.Context(), "ABC123"); err != nil {
			t.Errorf("once more: %v", err)
		}
		if was, err := l.Unregister(t.Context()); err != nil || was != id {
			t.Errorf("gave up %q: %v", was, err)
		}
		if kept, err := identity.Load(l.Path); err != nil || kept.TerminalID != "" || kept.Password.Reveal() != "" ||
			kept.Serial != "1000" {
			t.Errorf("kept %v: %v", kept, err)
		}
		if _, err := l.Unregister(t.Context()); !errors.Is(err, ErrNone) {
			t.Errorf("once more: %v", err)
		}
		l.Given = identity.Identity{TerminalID: glasetest.TestTerminal,
			Password: identity.NewSecret(glasetest.TestTerminalPassword)}
		if err := l.Assign(t.Context(), "XYZ9"); err != nil {
			t.Errorf("the config's terminal: %v", err)
		}
		before = line.requests
		_, registered := l.Register(t.Context(), lobby)
		_, gone := l.Unregister(t.Context())
		if !errors.Is(registered, ErrGiven) || !errors.Is(gone, ErrGiven) || line.requests != before {
			t.Errorf("%v, %v", registered, gone)
		}
	})
}

// TestARegistrationWhoseAnswerIsLostIsNotRepeated: each repetition would leave a terminal behind.
func TestARegistrationWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	play(t, func(t *testing.T, l Life, g *glasetest.Glase, line *counted) {
		trouble(t, g, "registerTerminal", "lost_answer", 1)
		_, err := l.Register(t.Context(), lobby)
		if says(t, err, "may have been made", "lobby-7", "merchant pages"); line.requests != 1 {
			t.Errorf("%d requests", line.requests)
		}
		_, err = l.Register(t.Context(), lobby)
		if says(t, err, "never heard", "lobby-7", "--again"); !errors.Is(err, ErrRegistered) || line.requests != 1 {
			t.Errorf("%v, %d requests", err, line.requests)
		}
		again := lobby
		again.Again = true
		if id, err := l.Register(t.Context(), again); err != nil || id == "" {
			t.Error(id, err)
		}
	})
}

// TestThatGlaseWasAskedIsOnTheDiskBeforeItIs: the power may go at any moment after.
func TestThatGlaseWasAskedIsOnTheDiskBeforeItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.json")
	seen := ""
	l := Life{Path: path, Client: func(identity.Identity) (*glase.Client, error) {
		return glase.New(glase.Config{
			Endpoint: "http://glase.test/soap", ClientID: "test", NewReference: func() string { return "call" },
			Reseller: &glase.Reseller{ID: "r", UserID: "9900", Password: "1234"},
			Transport: tripper(func(*http.Request) (*http.Response, error) {
				i, err := identity.Load(path)
				seen = fmt.Sprint(i.Begun, err)
				return nil, errors.New("the power is gone")
			}),
		})
	}}
	if _, err := l.Register(t.Context(), lobby); err == nil || seen != "lobby-7<nil>" {
		t.Errorf("%v; when Glase was asked the disk had %s", err, seen)
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestARegistrationThatWasNotSentLeavesNoTrace.
func TestARegistrationThatWasNotSentLeavesNoTrace(t *testing.T) {
	play(t, func(t *testing.T, l Life, _ *glasetest.Glase, line *counted) {
		off, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := l.Register(off, lobby)
		says(t, err, "No terminal was made")
		if kept, err := identity.Load(l.Path); err != nil || kept.Begun != "" || line.requests != 0 {
			t.Errorf("%q, %v, %d requests", kept.Begun, err, line.requests)
		}
	})
}

func TestNothingIsAskedOfGlaseThatCouldNotBeKept(t *testing.T) {
	play(t, func(t *testing.T, l Life, _ *glasetest.Glase, line *counted) {
		l.Path = filepath.Join(t.TempDir(), "nowhere", "identity.json")
		if _, err := l.Register(t.Context(), lobby); !errors.Is(err, fs.ErrNotExist) || line.requests != 0 {
			t.Errorf("%v, %d requests", err, line.requests)
		}
	})
}

// TestATerminalThatCannotBeKeptIsGivenBack: the folder goes while Glase is asked.
func TestATerminalThatCannotBeKeptIsGivenBack(t *testing.T) {
	play(t, func(t *testing.T, l Life, g *glasetest.Glase, line *counted) {
		folder := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		l.Path = filepath.Join(folder, "identity.json")
		real := line.RoundTripper
		line.RoundTripper = tripper(func(r *http.Request) (*http.Response, error) {
			_ = os.RemoveAll(folder)
			return real.RoundTrip(r)
		})
		_, err := l.Register(t.Context(), lobby)
		if says(t, err, "is given up again"); line.requests != 2 {
			t.Errorf("%d requests", line.requests)
		}
	})
}

func TestAStickerOfAnotherTerminalIsSaidToBeSo(t *testing.T) {
	play(t, func(t *testing.T, l Life, g *glasetest.Glase, _ *counted) {
		if _, err := l.Register(t.Context(), lobby); err != nil {
			t.Fatal(err)
		}
		if err := l.Assign(t.Context(), "ABC123"); err != nil {
			t.Fatal(err)
		}
		other := l
		other.Path = filepath.Join(t.TempDir(), "identity.json")
		if _, err := other.Register(t.Context(),
			Registration{ExternalID: "hall", Name: "Hall", Password: "p"}); err != nil {
			t.Fatal(err)
		}
		says(t, other.Assign(t.Context(), "ABC123"), "53", "another terminal's")
		trouble(t, g, "assignSeqrId", "lost_answer", 0)
		says(t, l.Assign(t.Context(), "ABC123"), "try again")
	})
}

// TestATerminalWhoseEndWasNotHeardIsKeptUntilItIs.
func TestATerminalWhoseEndWasNotHeardIsKeptUntilItIs(t *testing.T) {
	play(t, func(t *testing.T, l Life, g *glasetest.Glase, _ *counted) {
		id, err := l.Register(t.Context(), lobby)
		if err != nil {
			t.Fatal(err)
		}
		trouble(t, g, "unregisterTerminal", "lost_request", 0)
		_, err = l.Unregister(t.Context())
		says(t, err, "may be gone", "try again")
		if kept, err := identity.Load(l.Path); err != nil || kept.TerminalID != id {
			t.Errorf("kept %v: %v", kept, err)
		}
		trouble(t, g, "unregisterTerminal", "lost_answer", 1)
		if _, err := l.Unregister(t.Context()); err != nil { // it was done, and the repetition was refused
			t.Error(err)
		}
		if kept, err := identity.Load(l.Path); err != nil || kept.TerminalID != "" {
			t.Errorf("kept %v: %v", kept, err)
		}
	})
}

func TestAStickerIsReadAsItIsTypedAndAsItIsScanned(t *testing.T) {
	for text, want := range map[string]string{
		"ABC123": "ABC123", " abc123\r\n": "abc123", "HTTP://SEQR.SE/QABC123": "ABC123",
		"seqr://SEQR.SE/QABC123\n": "ABC123",
	} {
		if got, err := Sticker(text); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "nothing", "ABC-123": `"-"`, strings.Repeat("A", 65): "longer", "HTTP://SEQR.SE/R17": "invoice",
		"HTTP://SEQR.SE/000/ups?w=shop&t=1": "ups", "https://example.com/QABC": `":"`,
	} {
		if got, err := Sticker(text); !errors.Is(err, ErrNoSticker) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}
