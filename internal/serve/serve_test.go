package serve

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"kioskd/fsm"
	"kioskd/internal/config"
)

// TestWhoIsKeptOutIsCountedAndLoggedOnceAMinute: it may be Glase, whose address is not in the list.
func TestWhoIsKeptOutIsCountedAndLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		d := NewDoor(zerolog.New(&log), time.Now)
		for range 600 {
			d.refuse(netip.MustParseAddr("203.0.113.9"))
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), "keeps out"); n != 10 || d.KeptOut() != 600 {
			t.Errorf("ten minutes of it made %d lines and %d connections", n, d.KeptOut())
		}
		p := d.Part(config.UPS{}, fsm.State{}, time.Time{})
		if p.OK || !strings.Contains(p.What, "600 connections, the last from 203.0.113.9") ||
			!strings.Contains(p.Do, "is that Glase") {
			t.Errorf("the part says %+v", p)
		}
	})
}

func TestASocketsPathNeverCostsAFile(t *testing.T) {
	path := t.TempDir() + "/precious.db"
	if err := os.WriteFile(path, []byte("all my sales"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listenSocket(path); err == nil {
		l.Close()
		t.Error("listened in the place of a file")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "all my sales" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	sock := t.TempDir() + "/s"
	for range 2 { // the second finds the first one's stale file
		l, err := listenSocket(sock)
		if err != nil {
			t.Fatal(err)
		}
		l.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
		l.Close()
	}
	l, err := listenSocket(sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listenSocket(sock); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a second listener on a live socket: %v", err)
	}
}
