package host

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What an eMMC says of its own wear: JEDEC JESD84-B50 (eMMC 5.0), DEVICE_LIFE_TIME_EST_TYP_A and _B, and PRE_EOL_INFO,
// as /sys/block/mmcblk*/device/life_time and pre_eol_info tell them. SD cards have no such register.
const (
	lifeStep   = 10   // percent that one step of the estimate stands for: 0x01 is up to 10 % used
	lifeWarn   = 0x09 // 80 to 90 % used: time to order a new one
	lifeOver   = 0x0b // past the time that it was made for
	eolWarning = 0x02 // 80 % of the reserve blocks are used up
	eolUrgent  = 0x03 // nearly all of them
	sector     = 512  // bytes, in a block device's statistics whatever the card's own are
	kilobyte   = 1 << 10
)

// Room is how much a file system still takes.
type Room struct {
	Free, Size  uint64 // bytes, for a program that is not root's
	Files, Most uint64 // that can still be made, and that there can be; Most 0: it counts none
	ReadOnly    bool
}

// RoomAt asks the kernel about the file system that a folder is on.
func RoomAt(folder string) (Room, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return Room{}, err
	}
	return Room{Free: s.Bavail * uint64(s.Bsize), Size: s.Blocks * uint64(s.Bsize), Files: s.Ffree, Most: s.Files,
		ReadOnly: s.Flags&unix.ST_RDONLY != 0}, nil
}

// Disk is where the journal is. What is nil, the kernel does not tell.
type Disk struct {
	Looked   bool // it was looked at once
	Room     *Room
	Failed   string // why there is no Room
	Name     string // "mmcblk0p2"; "": no device that the kernel names
	Kind     string // "ext4"
	ReadOnly bool
	Gone     bool // it is mounted, and the kernel has no such device any more

	Errors      *uint64 // that ext4 has found since it was last repaired
	First, Last *time.Time
	Lifetime    *uint64 // bytes written to the file system since it was made
	Written     *uint64 // bytes written to the device since the machine started

	Card    string  // "SD" or "MMC", by the kernel's driver for cards; "": it is none
	Model   string  // "SC64G"
	PreEOL  *uint32 // eMMC only; 0: not defined
	Life    *uint32 // the worse of the two estimates, in steps of 10 %; 0: not defined
	Strange []string
}

// lookAtDisk reads what the kernel tells of the file system and the card that a folder is on.
func lookAtDisk(c Config) Disk {
	f := &files{FS: c.Root}
	d := Disk{Looked: true}
	if room, err := c.Room(c.Folder); err != nil {
		d.Failed = bare(err).Error()
	} else {
		d.Room, d.ReadOnly = &room, room.ReadOnly
	}
	table, _ := f.text("proc/self/mountinfo")
	if m, ok := under(mounts(table), c.Folder); ok {
		d.Kind, d.ReadOnly = m.kind, d.ReadOnly || m.readOnly
		d.device(f, m.device)
	}
	d.Strange = f.strange
	return d
}

// device reads what is told of a block device, "179:2".
func (d *Disk) device(f *files, number string) {
	if strings.HasPrefix(number, "0:") || strings.Trim(number, "0123456789:") != "" {
		return // of no device: memory, an overlay
	}
	at := "sys/dev/block/" + number + "/"
	about, ok := f.text(at + "uevent")
	if !ok {
		_, gone := fs.Stat(f, strings.TrimSuffix(at, "/"))
		_, listed := fs.Stat(f, "sys/dev/block")
		d.Gone = errors.Is(gone, fs.ErrNotExist) && listed == nil
		return
	}
	facts := map[string]string{}
	for line := range strings.Lines(about) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		facts[key] = value
	}
	d.Name = facts["DEVNAME"]
	if d.Name == "" || strings.ContainsAny(d.Name, "/.") {
		d.Name = ""
		return
	}
	if d.Written = value(f, at+"stat", sectors); d.Written != nil {
		*d.Written *= sector
	}
	if d.Kind == "ext4" {
		ext := "sys/fs/ext4/" + d.Name + "/"
		d.Errors = value(f, ext+"errors_count", count)
		d.First, d.Last = value(f, ext+"first_error_time", moment), value(f, ext+"last_error_time", moment)
		if d.Lifetime = value(f, ext+"lifetime_write_kbytes", kilobytes); d.Lifetime != nil {
			*d.Lifetime *= kilobyte
		}
	}
	card := "sys/class/block/" + whole(d.Name, facts["PARTN"]) + "/device/"
	d.Card, _ = f.text(card + "type")
	d.Model, _ = f.text(card + "name")
	d.PreEOL, d.Life = value(f, card+"pre_eol_info", preEOL), value(f, card+"life_time", lifeTimes)
}

func kilobytes(s string) (uint64, error) {
	n, err := count(s)
	if err == nil && n > 1<<53 {
		return 0, errors.New("no card is that large")
	}
	return n, err
}

// whole is the device that a partition is of: "mmcblk0" of "mmcblk0p2", "sda" of "sda1".
func whole(name, partition string) string {
	if partition == "" {
		return name
	}
	rest, ok := strings.CutSuffix(name, partition)
	if !ok {
		return name
	}
	if p, ok := strings.CutSuffix(rest, "p"); ok && p != "" && p[len(p)-1] >= '0' && p[len(p)-1] <= '9' {
		return p
	}
	return rest
}
