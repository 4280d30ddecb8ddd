package host

import "time"

// RTC is the chip that keeps the time while the machine is off. What is nil, the kernel does not tell.
type RTC struct {
	Looked  bool
	Name    string // "rpi-rtc", "rtc-ds1307 1-0068"; "": there is none
	Time    *time.Time
	At      time.Time // the machine's clock when it was read
	Strange []string
}

// lookAtRTC reads the first chip that the kernel knows.
func lookAtRTC(c Config) RTC {
	f := &files{FS: c.Root}
	r := RTC{Looked: true, At: c.Wall()}
	r.Name, _ = f.text("sys/class/rtc/rtc0/name")
	if r.Name != "" {
		r.Time = value(f, "sys/class/rtc/rtc0/since_epoch", moment)
	}
	r.Strange = f.strange
	return r
}
