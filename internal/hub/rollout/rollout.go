// Package rollout decides how a version of kioskd goes out to a fleet by rings: of whom it is wanted next, how each
// machine that was asked fares, and when it stops by itself. It knows no clock and no database: what it is given it
// answers, so that several hubs may ask it, one after the other.
package rollout

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// State is how a rollout stands.
type State string

// The states. Done and Abandoned are over; from each of them, too, a person may turn it back.
const (
	Running   State = "running"
	Stopped   State = "stopped"   // by itself or by a person: nobody more is asked
	Done      State = "done"      // all rings have it, and the last one has run it for its time
	Abandoned State = "abandoned" // by a person: who has it keeps it
	Back      State = "back"      // by a person: of each machine its earlier version is wanted again
)

// Bounds of what a person may begin.
const (
	ringsMax   = 10
	SoakMax    = 30 * 24 * time.Hour
	versionMax = 64
)

const (
	// BadMost is the part of those that tried, in percent, that may be no good: with more it stops by itself.
	BadMost = 2
	// DoneLeast is the part of those that were asked and are there, in percent, that runs it before the next ring is
	// asked. The rest may be machines whose customers leave no moment, or whose network is slow.
	DoneLeast = 90
	// SilentAfter is how long a machine that was asked is not heard before that is laid to the version: it tells each
	// five minutes how it is.
	SilentAfter = time.Hour
	// HeardLately is what a machine that is there was heard in.
	HeardLately = 16 * time.Minute
)

// Rollout is a version on its way.
type Rollout struct {
	ID      int64
	Version string        // of the package
	Group   string        // whose machines; "": all
	Rings   []int         // percent of the machines, each more than the one before, the last 100
	Soak    time.Duration // that a ring runs it before the next one is asked
	By      string
	Made    time.Time
	State   State
	Why     string // of Stopped
	Ring    int    // the one that it is in, from 0
	// Enough is since when enough of those that were asked run it; zero: not yet.
	Enough time.Time
}

// Check finds whether it may begin.
func (r Rollout) Check() error {
	if err := CheckVersion(r.Version); err != nil {
		return err
	}
	if len(r.Rings) == 0 || len(r.Rings) > ringsMax || r.Rings[len(r.Rings)-1] != 100 {
		return fmt.Errorf("rings: say 1 to %d of them in percent, the last one 100, as in 1,10,100", ringsMax)
	}
	for n, percent := range r.Rings {
		if percent < 1 || n > 0 && percent <= r.Rings[n-1] {
			return errors.New("rings: each one is at least 1 percent, and more than the one before")
		}
	}
	if r.Soak < 0 || r.Soak > SoakMax {
		return fmt.Errorf("soak: at most %d days", SoakMax/(24*time.Hour))
	}
	return nil
}

// CheckVersion finds whether a text can be a package's version: a digit, then at most 63 letters, digits and .+~:-
func CheckVersion(v string) error {
	ok := v != "" && len(v) <= versionMax && '0' <= v[0] && v[0] <= '9'
	for n := 0; ok && n < len(v); n++ {
		c := v[n]
		ok = 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(".+~:-", c) >= 0
	}
	if !ok {
		return fmt.Errorf("%.70q is no package's version: write it as in 0.3.0, as apt-cache policy kioskd shows it", v)
	}
	return nil
}

// ReadRings reads rings as a person writes them, "1,10,100".
func ReadRings(text string) (rings []int, err error) {
	for _, part := range strings.Split(text, ",") {
		percent, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("rings: %.20q is no percentage: write them as in 1,10,100", part)
		}
		rings = append(rings, percent)
	}
	return rings, Rollout{Version: "0", Rings: rings}.Check()
}

// Act is what a person may do with a rollout.
type Act string

// The acts.
const (
	Stop    Act = "stop"
	Resume  Act = "resume"
	Abandon Act = "abandon"
	GoBack  Act = "back"
)

// Take gives the rollout after a person's act, or why that is not to be done with one that stands so. Who resumes one
// has seen what stands against it: see Pass.
func (r Rollout) Take(a Act, by string) (Rollout, error) {
	switch {
	case a == Stop && r.State == Running:
		r.State, r.Why = Stopped, "by "+by
	case a == Resume && (r.State == Stopped || r.State == Running):
		r.State, r.Why = Running, ""
	case a == Abandon && (r.State == Stopped || r.State == Running):
		r.State, r.Why = Abandoned, ""
	case a == GoBack && r.State != Back:
		r.State, r.Why = Back, ""
	default:
		return r, fmt.Errorf("the rollout of %s is %s: there is nothing to %s", r.Version, r.State, a)
	}
	r.Enough = time.Time{}
	return r, nil
}
