package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// clockBegins is before this program was written: a clock that says less was never set.
const clockBegins = 2025

// SetClock is what to do about a clock that is wrong.
const SetClock = "let the machine reach a time server: timedatectl; sudo systemctl enable --now systemd-timesyncd; " +
	"where there is none, add a real-time clock (RTC)"

// Clock finds a clock that was never set, or that nobody keeps right. TLS to Glase needs one, and
// so do records and certificates; no decision of a sale does.
func Clock(now time.Time, synced bool) []Finding {
	const area = "clock"
	switch {
	case now.Year() < clockBegins:
		return []Finding{Failed(area, fmt.Sprintf(
			"the clock stands in %d: Glase's certificate cannot be believed, and records have wrong times", now.Year()),
			SetClock)}
	case !synced:
		return []Finding{Warned(area, now.UTC().Format("2006-01-02 15:04:05 UTC")+", not checked against a time server",
			SetClock)}
	}
	return []Finding{Ok(area, now.UTC().Format("2006-01-02 15:04:05 UTC")+", set by a time server")}
}

// Distrust is why Glase's certificate is not believed.
type Distrust struct {
	Says, Remedy string
	Clock        bool // the machine's clock is why, or may be
}

// Distrusted judges a call's error; false: it is about no certificate. synced: the clock is set by a time server.
func Distrusted(err error, now time.Time, synced bool) (Distrust, bool) {
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return outOfTime(invalid.Cert, now, synced), true
	case errors.As(err, &authority):
		return Distrust{Says: "Glase's certificate is signed by nobody whom this machine knows",
			Remedy: "sudo apt install ca-certificates; " + between}, true
	case errors.As(err, &name):
		return Distrust{Says: "the certificate is of another name", Remedy: "look at [glase] endpoint; " + between},
			true
	case errors.As(err, &invalid):
		return Distrust{Says: fmt.Sprintf("Glase's certificate is not good: %v", invalid),
			Remedy: "look at [glase] endpoint; " + askGlase}, true
	}
	return Distrust{}, false
}

const (
	askGlase = "ask Glase about its certificate"
	between  = "if something between here and Glase answers in its place, a login page or a proxy, let this machine " +
		"past it"
)

// outOfTime judges a certificate that has not begun or has ended, by this machine's clock. One that has not begun is a
// clock that is behind: nobody serves one that is not good yet.
func outOfTime(c *x509.Certificate, now time.Time, synced bool) Distrust {
	const minute = "2006-01-02 15:04 UTC"
	stands, begins, ended := now.UTC().Format(minute), c.NotBefore.UTC().Format(minute), c.NotAfter.UTC().Format(minute)
	switch behind := now.Before(c.NotBefore); {
	case behind && synced:
		return Distrust{
			fmt.Sprintf("the machine's clock is behind: it stands at %s, set by a time server, and Glase's "+
				"certificate begins %s", stands, begins),
			"look at timedatectl: is it the right time server? If the clock is right, " + askGlase, true}
	case behind:
		return Distrust{fmt.Sprintf("the machine's clock is behind: it stands at %s, and Glase's certificate begins %s",
			stands, begins), SetClock, true}
	case synced:
		return Distrust{"Glase's certificate ended " + ended, askGlase, false}
	}
	return Distrust{
		fmt.Sprintf("Glase's certificate ended %s, and the machine's clock, which nobody checks, stands at %s", ended,
			stands), SetClock, true}
}
