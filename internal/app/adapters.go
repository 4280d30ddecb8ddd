package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/fsm"
	"kioskd/internal/kiosk"
	"kioskd/internal/shop"
	"kioskd/ups"
)

// Clock tells the time: a monotonic clock that survives restarts of the process but not of the machine, and the wall's.
type Clock struct {
	Boot   string // names the boot that Now counts from
	Now    func() fsm.Instant
	Wall   func() time.Time
	Synced func() bool // whether Wall can be believed: the kernel's clock is set by somebody who knows
}

// KernelClock is the kernel's own: CLOCK_BOOTTIME, and the boot id beside it.
func KernelClock() (Clock, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Clock{}, fmt.Errorf("the kernel's boot id cannot be read: %w", err)
	}
	return Clock{Boot: strings.TrimSpace(string(id)), Wall: time.Now, Synced: synchronised, Now: func() fsm.Instant {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
			panic(fmt.Sprintf("the kernel has no CLOCK_BOOTTIME: %v", err)) // Linux has had it since 2.6.39
		}
		return fsm.Instant(ts.Nano())
	}}, nil
}

// synchronised is the kernel's own word, which NTP daemons keep.
func synchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// withPage has the page answer what is its business, and Glase's side all else.
func withPage(page *shop.Shop, glase http.Handler) http.Handler {
	if page == nil {
		return glase
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page.Takes(r) {
			page.ServeHTTP(w, r)
			return
		}
		glase.ServeHTTP(w, r)
	})
}

// payerKey is the random bytes of a key that payers' phone numbers are hashed with: as many as the hash is made of.
const payerKey = 32

// purchases lets Glase's service for unattended machines in. The phone number ends here: what goes on is its keyed
// hash, which knows a customer who asks twice. The key is this run's own and never on the card, and nor is the hash.
type purchases struct {
	kiosk   *kiosk.Kiosk
	key     []byte
	scanned func() // is told that a customer came
}

func (d purchases) CreatePurchase(ctx context.Context, p ups.Purchase) (string, ups.ErrorCode) {
	d.scanned()
	reference, code := d.kiosk.CreatePurchase(ctx, d.payer(p.Payer), p.Amount)
	return reference, ups.ErrorCode(code)
}

// payer is 16 hexadecimal digits; none for no number.
func (d purchases) payer(msisdn string) string {
	if msisdn == "" {
		return ""
	}
	h := hmac.New(sha256.New, d.key)
	h.Write([]byte(msisdn))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (d purchases) Refusal(p ups.Purchase) ups.ErrorCode {
	code := d.kiosk.Refusal(d.payer(p.Payer), p.Amount)
	if code != "" {
		d.scanned()
	}
	return ups.ErrorCode(code)
}

func (d purchases) Notify(secret string) bool { return d.kiosk.Notify(secret) }
