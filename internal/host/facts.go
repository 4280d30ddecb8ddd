package host

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// From when on something is a trouble.
const (
	freeFull  = 16 << 20  // bytes: below it SQLite's next checkpoint may not fit, and selling ends
	freeWarn  = 200 << 20 // bytes: half a year of 100 sales a day, and less than one upgrade of the system needs
	filesWarn = 200       // files that can still be made: the journal needs two, an update some dozens
	// hotWarn is in °C. The firmware slows the processor from 80 on, and more from 85
	// (https://www.raspberrypi.com/documentation/computers/raspberry-pi.html#frequency-management-and-thermal-control).
	hotWarn = 75
	rtcOff  = 10 * time.Minute // that a clock's chip may stand beside the machine's clock
	// clockBegins is before this program was written: a clock that says less was never set.
	clockBegins = 2025
)

// The words of troubles, for programs.
const (
	DiskFull       = "disk_full"       // sales can soon not be recorded
	DiskLow        = "disk_low"        // it will be full
	FilesFew       = "files_few"       // it will take no more files
	DiskUnread     = "disk_unreadable" // the kernel does not say how it is
	DiskReadOnly   = "disk_read_only"  // a card that fails becomes so
	DiskGone       = "disk_gone"       // the card has left
	DiskErrors     = "disk_errors"     // ext4 has found some
	CardWorn       = "card_worn"       // by its own word
	Hot            = "hot"             // soon too hot
	Slowed         = "slowed"          // the firmware holds the processor back
	SupplyLow      = "supply_low"      // less than 4.63 V
	ClockUnset     = "clock_unset"     // it stands before this program was written
	ClockUnsynced  = "clock_unsynced"  // no time server for a day
	RTCOff         = "rtc_off"         // its chip tells another time
	DiskHangs      = "disk_hangs"      // the kernel does not answer
	BoardHangs     = "computer_hangs"
	ClockHangs     = "clock_hangs"
	notWell        = "the kernel does not answer within 10 s"
	clockRemedy    = "let the machine reach a time server: timedatectl; where there is none, add a real-time clock (RTC)"
	replaceRemedy  = "save the record with kioskd export, and replace the card"
	makeRoomRemedy = "make room: sudo journalctl --vacuum-size=50M; sudo apt-get clean; then df -h"
)

// Words are all of them.
func Words() []string {
	return []string{DiskFull, DiskLow, FilesFew, DiskUnread, DiskReadOnly, DiskGone, DiskErrors, CardWorn, Hot, Slowed,
		SupplyLow, ClockUnset, ClockUnsynced, RTCOff, DiskHangs, BoardHangs, ClockHangs}
}

// Fact is one thing about the computer, and whether somebody must do something about it.
type Fact struct {
	Name  string    // of what: "Card"
	Word  string    // the trouble; "": there is none
	Grave bool      // it keeps the machine from selling, or soon will
	Says  string    // how it is, in words
	Do    string    // what helps
	Since time.Time // zero: not known
}

func well(name, says string) Fact { return Fact{Name: name, Says: says} }

// Facts judges what was seen. What was not looked at yet, and what the kernel says nothing of at all, is left out.
func (s State) Facts(now time.Time, synced bool) []Fact {
	all := slices.Concat(s.room(), s.card(), s.heat(), s.supply(now), s.time(now, synced))
	names := map[string]string{"disk": "Disk", "computer": "Computer", "clock": "Clock chip"}
	for _, h := range s.Hangs {
		all = append(all, Fact{Name: names[h],
			Word: h + "_hangs", Grave: h == "disk", Says: "how the " + h + " is: " + notWell,
			Do: "look at dmesg: what does not answer must be replaced"})
	}
	return all
}

// odd says what was not understood.
func odd(strange []string) string {
	if len(strange) == 0 {
		return ""
	}
	return "; " + strings.Join(strange, "; ")
}

func (s State) room() []Fact {
	const name = "Disk"
	d := s.Disk
	switch {
	case !d.Looked:
		return nil
	case d.Room == nil:
		return []Fact{{Name: name, Word: DiskUnread, Grave: true,
			Says: "the disk of the journal does not say how it is: " + d.Failed,
			Do: "is [journal] path in a folder that is there? If so, look at dmesg: has the card failed? " +
				replaceRemedy}}
	}
	says := fmt.Sprintf("%d of %d MB free", d.Room.Free>>20, d.Room.Size>>20)
	if s.WroteDay != nil {
		says += fmt.Sprintf("; %d MB written in the last 24 h or since the start", *s.WroteDay>>20)
	}
	var all []Fact
	switch {
	case d.Room.Free < freeFull:
		all = append(all, Fact{Name: name, Word: DiskFull, Grave: true, Says: says + ": sales can soon not be recorded",
			Do: makeRoomRemedy})
	case d.Room.Free < freeWarn:
		all = append(all, Fact{Name: name, Word: DiskLow, Says: says, Do: makeRoomRemedy})
	}
	if d.Room.Most > 0 && d.Room.Files < filesWarn {
		all = append(all, Fact{Name: name, Word: FilesFew, Grave: true,
			Says: fmt.Sprintf("only %d files can still be made", d.Room.Files),
			Do:   "find the folder with too many files: sudo find / -xdev -type d -size +1M"})
	}
	if all == nil {
		all = append(all, well(name, says))
	}
	return all
}

func (s State) card() (all []Fact) {
	const name = "Card"
	d := s.Disk
	if !d.Looked {
		return nil
	}
	if d.Gone {
		return []Fact{{Name: name, Word: DiskGone, Grave: true, Says: "the kernel has lost the card",
			Do: "look at dmesg and at the card's seat; " + replaceRemedy}}
	}
	if d.ReadOnly {
		all = append(all, Fact{Name: name, Word: DiskReadOnly, Grave: true,
			Says: "the file system of the journal is read-only",
			Do:   "look at dmesg: a card that fails becomes read-only; " + replaceRemedy})
	}
	if d.Errors != nil && *d.Errors > 0 {
		f := Fact{Name: name, Word: DiskErrors, Says: fmt.Sprintf("the kernel has found %d errors in the file system",
			*d.Errors), Do: "look at dmesg; " + replaceRemedy + ". They are counted until fsck has mended it: " +
			"add fsck.mode=force to cmdline.txt for one start"}
		if d.Last != nil && !d.Last.IsZero() {
			f.Says += d.Last.Format(", the last 2006-01-02 15:04 UTC")
		}
		if d.First != nil {
			f.Since = *d.First
		}
		all = append(all, f)
	}
	worn, worse := d.wear()
	if worse {
		all = append(all, Fact{Name: name, Word: CardWorn, Says: worn, Do: "order a new card; " + replaceRemedy})
	}
	if all == nil && d.Name != "" {
		all = append(all, well(name, strings.TrimPrefix(strings.Join([]string{d.Name, d.Kind, worn}, ", "), ", ")))
	}
	if len(d.Strange) > 0 && len(all) > 0 {
		all[0].Says += odd(d.Strange)
	}
	return all
}

// wear is what the card says of how worn it is, and whether that is too much.
func (d Disk) wear() (says string, worse bool) {
	var parts []string
	if d.Life != nil && *d.Life > 0 {
		used := fmt.Sprintf("up to %d %% of its life used", *d.Life*lifeStep)
		if *d.Life >= lifeOver {
			used = "older than it was made for"
		}
		parts, worse = append(parts, used), *d.Life >= lifeWarn
	}
	if d.PreEOL != nil && *d.PreEOL >= eolWarning {
		spare := "80 % of its reserve used up"
		if *d.PreEOL >= eolUrgent {
			spare = "nearly all of its reserve used up"
		}
		parts, worse = append(parts, spare), true
	}
	model := strings.TrimSpace(d.Card + " " + d.Model)
	switch {
	case len(parts) > 0:
		return strings.TrimSpace(model + ": " + strings.Join(parts, ", ")), worse
	case d.Card != "":
		return model + " card, which does not say how worn it is", false
	}
	return "how worn it is the kernel does not tell", false
}

func (s State) heat() []Fact {
	const name = "Heat"
	b := s.Board
	if !b.Looked || b.Celsius == nil {
		return nil
	}
	says := fmt.Sprintf("%.0f °C", *b.Celsius)
	const air = "let air through the cabinet, shade the machine, add a heat sink"
	switch {
	case *b.Celsius >= hotWarn:
		return []Fact{{Name: name, Word: Hot, Says: says + ": from 80 on the processor is slowed down", Do: air}}
	case b.Slowed != nil && *b.Slowed:
		return []Fact{{Name: name, Word: Slowed, Says: says + ", and the firmware slows the processor down", Do: air +
			", and look at the supply"}}
	}
	return []Fact{well(name, says)}
}

func (s State) supply(now time.Time) []Fact {
	const name = "Supply"
	b := s.Board
	if !b.Looked || b.Low == nil {
		return nil
	}
	f := Fact{Name: name, Word: SupplyLow, Since: s.LowAt,
		Do: "use a stronger supply and short wires, and feed motors from one of their own: a supply that breaks down " +
			"spoils cards"}
	switch {
	case b.LowNow != nil && *b.LowNow:
		f.Says = "the machine's 5 V are too low now"
	case *b.Low || !s.LowAt.IsZero() && now.Sub(s.LowAt) < rememberLow:
		f.Says = "the machine's 5 V were too low at times"
	default:
		return []Fact{well(name, "the machine's 5 V are high enough")}
	}
	return []Fact{f}
}

// time judges the clock as far as nothing else does: a clock that is only not checked yet is no trouble for a day.
func (s State) time(now time.Time, synced bool) []Fact {
	const name = "Clock chip"
	r := s.RTC
	if !r.Looked {
		return nil
	}
	last := s.LastSynced
	if last.IsZero() {
		last = s.Started
	}
	chip := "there is none: after a power cut the time is not right until a time server is heard"
	if r.Name != "" {
		chip = r.Name
	}
	chip += odd(r.Strange)
	switch {
	case now.Year() < clockBegins:
		return []Fact{{Name: name, Word: ClockUnset, Says: fmt.Sprintf("the clock stands in %d; its chip: %s",
			now.Year(), chip), Do: clockRemedy}}
	case !synced && now.Sub(last) >= unsyncedMax:
		return []Fact{{Name: name, Word: ClockUnsynced, Since: s.LastSynced,
			Says: fmt.Sprintf("no time server has set the clock for %d h; its chip: %s", int(now.Sub(last).Hours()),
				chip), Do: clockRemedy}}
	case synced && r.Time != nil && r.Time.Sub(r.At).Abs() > rtcOff:
		return []Fact{{Name: name, Word: RTCOff, Says: fmt.Sprintf("%s stands at %s, and the clock at %s", chip,
			r.Time.Format("2006-01-02 15:04 UTC"), r.At.UTC().Format("2006-01-02 15:04 UTC")),
			Do: "look at the chip's battery; sudo hwclock --systohc sets it"}}
	}
	return []Fact{well(name, chip)}
}
