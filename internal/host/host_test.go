package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// pi is what the kernel of a Raspberry Pi 4 with an eMMC says: all of the files that are read.
func pi() fstest.MapFS {
	tree := fstest.MapFS{}
	for name, text := range map[string]string{
		"proc/self/mountinfo": "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n" +
			"30 22 179:1 / /boot/firmware rw,relatime shared:9 - vfat /dev/mmcblk0p1 rw\n" +
			"31 22 179:2 /var/lib/kioskd /var/lib/kioskd rw,noatime master:1 - ext4 /dev/mmcblk0p2 rw\n" +
			"40 22 0:30 / /run rw,nosuid - tmpfs tmpfs rw,size=90000k\n",
		"sys/dev/block/179:2/uevent":                          "MAJOR=179\nMINOR=2\nDEVNAME=mmcblk0p2\nDEVTYPE=partition\nPARTN=2\n",
		"sys/dev/block/179:2/stat":                            "  9035 1216 716106 5510 7306 9105 391160 26490 0 18536 32042 0 0 0 0 5 40\n",
		"sys/fs/ext4/mmcblk0p2/errors_count":                  "0\n",
		"sys/fs/ext4/mmcblk0p2/first_error_time":              "0\n",
		"sys/fs/ext4/mmcblk0p2/last_error_time":               "0\n",
		"sys/fs/ext4/mmcblk0p2/lifetime_write_kbytes":         "5242880\n",
		"sys/class/block/mmcblk0/device/type":                 "MMC\n",
		"sys/class/block/mmcblk0/device/name":                 "BJTD4R\n",
		"sys/class/block/mmcblk0/device/life_time":            "0x01 0x02\n",
		"sys/class/block/mmcblk0/device/pre_eol_info":         "0x01\n",
		"sys/class/thermal/thermal_zone0/temp":                "48686\n",
		"sys/class/hwmon/hwmon0/name":                         "cpu_thermal\n",
		"sys/class/hwmon/hwmon1/name":                         "rpi_volt\n",
		"sys/class/hwmon/hwmon1/in0_lcrit_alarm":              "0\n",
		"sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
		"sys/class/rtc/rtc0/name":                             "rtc-ds1307 1-0068\n",
		"sys/class/rtc/rtc0/since_epoch":                      "1795780000\n",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

var noon = time.Unix(1795780000, 0)

func plenty(string) (Room, error) {
	return Room{Free: 20 << 30, Size: 30 << 30, Files: 1e6, Most: 2e6}, nil
}

func machine(tree fs.FS) Config {
	return Config{Root: tree, Room: plenty, Folder: "/var/lib/kioskd", Wall: func() time.Time { return noon },
		Synced: func() bool { return true }, Log: zerolog.Nop()}
}

func troubles(facts []Fact) (words []string) {
	for _, f := range facts {
		if f.Word != "" {
			words = append(words, f.Word)
		}
	}
	return words
}

func seen(t *testing.T, c Config) (State, []Fact) {
	t.Helper()
	s := Look(t.Context(), c)
	return s, s.Facts(c.Wall(), c.Synced())
}

func TestAHealthyComputerIsSaidToBeHealthy(t *testing.T) {
	s, facts := seen(t, machine(pi()))
	if words := troubles(facts); words != nil || len(facts) != 5 {
		t.Fatalf("%d facts, troubles %q: %+v", len(facts), words, facts)
	}
	if d := s.Disk; d.Name != "mmcblk0p2" || d.Card != "MMC" || *d.Life != 2 || *d.PreEOL != 1 || *d.Errors != 0 ||
		*d.Written != 391160*512 || *d.Lifetime != 5<<30 {
		t.Errorf("the card is read as %+v", d)
	}
	if b := s.Board; *b.Celsius != 48.686 || *b.Low || *b.Slowed {
		t.Errorf("the board is read as %+v", b)
	}
}

// TestEachTroubleIsSaidBeforeTheMachineFails: one change of the world, the one word that it must lead to, and what to
// do.
func TestEachTroubleIsSaidBeforeTheMachineFails(t *testing.T) {
	room := func(r Room, err error) func(*Config, fstest.MapFS) {
		return func(c *Config, _ fstest.MapFS) { c.Room = func(string) (Room, error) { return r, err } }
	}
	file := func(name, text string) func(*Config, fstest.MapFS) {
		return func(_ *Config, tree fstest.MapFS) { tree[name] = &fstest.MapFile{Data: []byte(text)} }
	}
	const card = "sys/class/block/mmcblk0/device/"
	const throttled = "sys/devices/platform/soc/soc:firmware/get_throttled"
	for name, c := range map[string]struct {
		change func(*Config, fstest.MapFS)
		want   string
	}{
		"nearly full":                 {room(Room{Free: 199 << 20, Size: 1 << 30}, nil), DiskLow},
		"a full disk":                 {room(Room{Free: 1 << 20, Size: 1 << 30, Files: 1e6, Most: 2e6}, nil), DiskFull},
		"no more files":               {room(Room{Free: 1 << 30, Size: 2 << 30, Files: 3, Most: 2e6}, nil), FilesFew},
		"a card that has failed":      {room(Room{}, &fs.PathError{Op: "statfs", Err: syscall.EIO}), DiskUnread},
		"a file system made readable": {room(Room{Free: 1 << 30, ReadOnly: true}, nil), DiskReadOnly},
		"errors=remount-ro": {file("proc/self/mountinfo",
			"22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root ro\n"), DiskReadOnly},
		"errors of ext4":   {file("sys/fs/ext4/mmcblk0p2/errors_count", "7\n"), DiskErrors},
		"a worn eMMC":      {file(card+"life_time", "0x02 0x09\n"), CardWorn},
		"an old eMMC":      {file(card+"life_time", "0x0B 0x02\n"), CardWorn},
		"a used up spare":  {file(card+"pre_eol_info", "0x02\n"), CardWorn},
		"heat":             {file("sys/class/thermal/thermal_zone0/temp", "75000\n"), Hot},
		"heat earlier":     {file(throttled, "0x80008\n"), Slowed},
		"brown-out now":    {file("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n"), SupplyLow},
		"brown-out before": {file(throttled, "50000\n"), SupplyLow},
		"brown-out on a Pi 5": {func(_ *Config, tree fstest.MapFS) {
			delete(tree, throttled)
			tree["sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"] =
				&fstest.MapFile{Data: []byte("1\n")}
		}, SupplyLow},
		"1970": {func(c *Config, _ fstest.MapFS) {
			c.Wall, c.Synced = func() time.Time { return time.Unix(60, 0) }, func() bool { return false }
		}, ClockUnset},
		"an empty battery": {file("sys/class/rtc/rtc0/since_epoch", "946684800\n"), RTCOff},
		"a card that vanishes": {func(_ *Config, tree fstest.MapFS) {
			for name := range tree {
				if strings.HasPrefix(name, "sys/dev/block/") || strings.HasPrefix(name, "sys/class/block/") {
					delete(tree, name)
				}
			}
			tree["sys/dev/block/7:0/uevent"] = &fstest.MapFile{Data: []byte("DEVNAME=loop0\n")}
		}, DiskGone},
	} {
		t.Run(name, func(t *testing.T) {
			tree := pi()
			config := machine(tree)
			c.change(&config, tree)
			_, facts := seen(t, config)
			if words := troubles(facts); !slices.Equal(words, []string{c.want}) {
				t.Fatalf("it is said to be %q, want %q", words, c.want)
			}
			for _, f := range facts {
				if f.Word != "" && (f.Do == "" || f.Says == "" || !slices.Contains(Words(), f.Word)) {
					t.Errorf("nobody is told what to do: %+v", f)
				}
			}
		})
	}
}

// TestWhatTheKernelDoesNotTellIsNotGuessed: no file, rubbish in it, and a card that has no such register.
func TestWhatTheKernelDoesNotTellIsNotGuessed(t *testing.T) {
	s, facts := seen(t, machine(fstest.MapFS{}))
	if d, b := s.Disk, s.Board; d.Errors != nil || d.Life != nil || d.PreEOL != nil || d.Written != nil || d.Gone ||
		b.Celsius != nil || b.Low != nil || s.WroteDay != nil {
		t.Errorf("of a kernel that tells nothing: %+v %+v", d, b)
	}
	if words := troubles(facts); words != nil {
		t.Errorf("nothing is told, and it is said to be %q", words)
	}
	for _, rubbish := range []string{"", "\n", "-1\n", "0x\n", "99999999999999999999\n", "unknown", "\x00\xff",
		"0x0c 0x01\n", "1 2 3\n"} {
		tree := pi()
		for name := range tree {
			if strings.HasPrefix(name, "sys/") && !strings.HasSuffix(name, "uevent") &&
				!strings.HasSuffix(name, "name") && !strings.HasSuffix(name, "type") {
				tree[name] = &fstest.MapFile{Data: []byte(rubbish)}
			}
		}
		s, facts := seen(t, machine(tree))
		if words := troubles(facts); words != nil {
			t.Errorf("%q everywhere is said to be %q", rubbish, words)
		}
		if strings.TrimSpace(rubbish) != "" && len(s.Disk.Strange) == 0 {
			t.Errorf("%q is passed over in silence", rubbish)
		}
	}
	tree := pi()
	delete(tree, "sys/class/block/mmcblk0/device/life_time")
	delete(tree, "sys/class/block/mmcblk0/device/pre_eol_info")
	tree["sys/class/block/mmcblk0/device/type"] = &fstest.MapFile{Data: []byte("SD\n")}
	_, facts = seen(t, machine(tree))
	if n := slices.IndexFunc(facts, func(f Fact) bool { return f.Name == "Card" }); n < 0 ||
		!strings.Contains(facts[n].Says, "does not say how worn") {
		t.Errorf("of an SD card: %+v", facts)
	}
}

// hanging is a kernel of which one file's reader waits until somebody lets it go.
type hanging struct {
	fs.FS
	name  string
	go_   chan struct{}
	opens atomic.Int32
}

func (h *hanging) Open(name string) (fs.File, error) {
	if name == h.name {
		h.opens.Add(1)
		<-h.go_
		return nil, syscall.EIO
	}
	return h.FS.Open(name)
}

// TestAFileThatHangsHidesNothingElse: a temperature that the kernel asks a silent chip for.
func TestAFileThatHangsHidesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tree := &hanging{FS: pi(), name: "sys/class/thermal/thermal_zone0/temp", go_: make(chan struct{})}
		c := machine(tree)
		c.Wall = time.Now
		w := New(c)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { w.Run(ctx); close(ended) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s := w.State(); !slices.Equal(s.Hangs, []string{"computer"}) || !s.Disk.Looked || s.Board.Looked {
			t.Errorf("it stands so: %+v", s)
		}
		if n := tree.opens.Load(); n != 1 {
			t.Errorf("what hangs was asked %d times", n)
		}
		if words := troubles(w.Facts()); !slices.Contains(words, BoardHangs) {
			t.Errorf("a chip that hangs is said to be %q", words)
		}
		close(tree.go_)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if s := w.State(); len(s.Hangs) > 0 || !s.Board.Looked {
			t.Errorf("it answers again, and stands so: %+v", s)
		}
		cancel()
		<-ended
	})
}

// TestNoTimeServerForADayIsSaid, and not before: a network that is away for an hour is no trouble of the clock's.
func TestNoTimeServerForADayIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		synced := atomic.Bool{}
		synced.Store(true)
		tree := pi()
		delete(tree, "sys/class/rtc/rtc0/since_epoch")
		c := machine(tree)
		c.Wall, c.Synced = func() time.Time { return time.Now().AddDate(26, 0, 0) }, synced.Load
		w := New(c)
		ctx, cancel := context.WithCancel(t.Context())
		go w.Run(ctx)
		time.Sleep(90 * time.Second)
		synced.Store(false)
		time.Sleep(23 * time.Hour)
		if words := troubles(w.Facts()); words != nil {
			t.Errorf("after 23 hours: %q", words)
		}
		time.Sleep(2 * time.Hour)
		if words := troubles(w.Facts()); !slices.Equal(words, []string{ClockUnsynced}) {
			t.Errorf("after 25 hours: %q", words)
		}
		synced.Store(true)
		time.Sleep(2 * time.Minute)
		if words := troubles(w.Facts()); words != nil {
			t.Errorf("a time server is heard again: %q", words)
		}
		cancel()
		synctest.Wait()
	})
}

// TestWhatIsWrittenInADayIsTold: of a machine that runs for a week, the last 24 hours alone.
func TestWhatIsWrittenInADayIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var extra atomic.Int64
		c := machine(changing(func() fs.FS {
			tree := pi() // 2048 sectors, a MiB, each hour
			written := 2048*int64(time.Since(began)/time.Hour) + extra.Load()
			tree["sys/dev/block/179:2/stat"] = &fstest.MapFile{Data: fmt.Appendf(nil, "1 2 3 4 5 6 %d 8\n", written)}
			return tree
		}))
		c.Wall = time.Now
		w := New(c)
		ctx, cancel := context.WithCancel(t.Context())
		go w.Run(ctx)
		for _, hours := range []int{1, 5, 24, 7 * 24} {
			time.Sleep(time.Until(began.Add(time.Duration(hours)*time.Hour + 90*time.Second)))
			if got := w.State().WroteDay; got == nil || *got>>20 != uint64(min(hours, 24)) {
				t.Errorf("after %d hours %v bytes", hours, got)
			}
		}
		extra.Store(-2048 * 100) // another card
		time.Sleep(2 * time.Minute)
		if got := w.State().WroteDay; got == nil || *got != 0 {
			t.Errorf("of another card %v", got)
		}
		cancel()
		synctest.Wait()
	})
}

func TestWhenTheCardBeganToFailIsTold(t *testing.T) {
	tree := pi()
	for name, text := range map[string]string{"errors_count": "3", "first_error_time": "1795000000",
		"last_error_time": "1795700000"} {
		tree["sys/fs/ext4/mmcblk0p2/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	_, facts := seen(t, machine(tree))
	n := slices.IndexFunc(facts, func(f Fact) bool { return f.Word == DiskErrors })
	if f := facts[n]; f.Since.Unix() != 1795000000 ||
		!strings.Contains(f.Says, "3 errors") || !strings.Contains(f.Says, "the last 2026-11-26") {
		t.Errorf("%+v", f)
	}
	tree["sys/fs/ext4/mmcblk0p2/last_error_time"] = &fstest.MapFile{Data: []byte("0")}
	if _, facts = seen(t, machine(tree)); strings.Contains(facts[n].Says, "the last") {
		t.Errorf("when the last one was is not known: %+v", facts[n])
	}
}

// TestAMachineThatNeverHeardATimeServerSaysSoAfterADay: since its start, for all that is known.
func TestAMachineThatNeverHeardATimeServerSaysSoAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := machine(pi())
		c.Wall, c.Synced = func() time.Time { return time.Now().AddDate(26, 0, 0) }, func() bool { return false }
		w := New(c)
		ctx, cancel := context.WithCancel(t.Context())
		go w.Run(ctx)
		time.Sleep(23 * time.Hour)
		if words := troubles(w.Facts()); words != nil {
			t.Errorf("after 23 hours: %q", words)
		}
		time.Sleep(2 * time.Hour)
		if words := troubles(w.Facts()); !slices.Equal(words, []string{ClockUnsynced}) {
			t.Errorf("after 25 hours: %q", words)
		}
		cancel()
		synctest.Wait()
	})
}

func TestABrownOutIsRememberedForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var low atomic.Bool
		c := machine(changing(func() fs.FS {
			tree := pi()
			if low.Load() {
				tree["sys/class/hwmon/hwmon1/in0_lcrit_alarm"] = &fstest.MapFile{Data: []byte("1\n")}
			}
			return tree
		}))
		c.Wall = time.Now
		w := New(c)
		ctx, cancel := context.WithCancel(t.Context())
		go w.Run(ctx)
		low.Store(true)
		time.Sleep(2 * time.Minute)
		low.Store(false)
		time.Sleep(20 * time.Hour)
		if words := troubles(w.Facts()); !slices.Contains(words, SupplyLow) {
			t.Errorf("20 hours later it is said to be %q", words)
		}
		time.Sleep(5 * time.Hour)
		if words := troubles(w.Facts()); slices.Contains(words, SupplyLow) {
			t.Errorf("a day later it is still said to be %q", words)
		}
		cancel()
		synctest.Wait()
	})
}

type changing func() fs.FS

func (c changing) Open(name string) (fs.File, error) { return c().Open(name) }

func TestMetricsNameEachTroubleOnce(t *testing.T) {
	c := machine(pi())
	c.Room = func(string) (Room, error) { return Room{Free: 1 << 20, Size: 1 << 30}, nil }
	w := New(c)
	for _, l := range w.looks() {
		w.once(t.Context(), l, new(chan func()))
	}
	var page bytes.Buffer
	w.Metrics(&page)
	for _, want := range []string{"kioskd_disk_free_bytes 1.048576e+06\n", "kioskd_card_life_used_ratio 0.2\n",
		"kioskd_computer_trouble{name=\"disk_full\"} 1\n", "kioskd_processor_celsius 48.686\n"} {
		if strings.Count(page.String(), want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, page.String())
		}
	}
}

func TestTheCardOfAPartition(t *testing.T) {
	for _, c := range [][3]string{{"mmcblk0p2", "2", "mmcblk0"}, {"sda1", "1", "sda"}, {"nvme0n1p12", "12", "nvme0n1"},
		{"mmcblk0", "", "mmcblk0"}, {"dm-0", "", "dm-0"}, {"x", "9", "x"}} {
		if got := whole(c[0], c[1]); got != c[2] {
			t.Errorf("%s is a part of %q, want %s", c[0], got, c[2])
		}
	}
}

// FuzzKernel: whatever stands in the kernel's files, nothing breaks, and what is told is in its range.
func FuzzKernel(f *testing.F) {
	f.Add("0x01 0x02\n", "0x01", "48686", "50005", "22 1 179:2 / / rw - ext4 /dev/root rw\n",
		"DEVNAME=mmcblk0p2\nPARTN=2\n")
	f.Add("", "0x03", "-1", "fffff", "22 1 179:2 / /a\\040b ro", "DEVNAME=../x\n")
	f.Fuzz(func(t *testing.T, life, eol, temp, bits, table, uevent string) {
		tree := pi()
		for name, text := range map[string]string{"sys/class/block/mmcblk0/device/life_time": life,
			"sys/class/block/mmcblk0/device/pre_eol_info": eol, "sys/class/thermal/thermal_zone0/temp": temp,
			"sys/devices/platform/soc/soc:firmware/get_throttled": bits, "proc/self/mountinfo": table,
			"sys/dev/block/179:2/uevent": uevent, "sys/dev/block/179:2/stat": life + eol,
			"sys/fs/ext4/mmcblk0p2/last_error_time": temp, "sys/fs/ext4/mmcblk0p2/errors_count": bits} {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		s, facts := seen(t, machine(tree))
		if d := s.Disk; d.Life != nil && *d.Life > lifeOver || d.PreEOL != nil && *d.PreEOL > eolUrgent ||
			strings.ContainsAny(d.Name, "/.") || len(d.Strange) > strangeMax {
			t.Errorf("%+v", d)
		}
		if c := s.Board.Celsius; c != nil && (*c < -60 || *c > 150) {
			t.Errorf("%v °C", *c)
		}
		for _, fact := range facts {
			if fact.Name == "" || fact.Says == "" || fact.Word != "" && !slices.Contains(Words(), fact.Word) {
				t.Errorf("%+v", fact)
			}
		}
	})
}

func TestARealKernelIsRead(t *testing.T) {
	if _, err := RoomAt(t.TempDir()); err != nil {
		t.Error(err)
	}
	if _, err := RoomAt("/nowhere/at/all"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
