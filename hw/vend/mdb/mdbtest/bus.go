package mdbtest

import (
	"strconv"
	"strings"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// become is a new status. Called with the machine locked, as all that follows is.
func (m *Machine) become(status string) {
	m.status = status
	m.say("c,STATUS," + status)
}

// later does something on the bus, unless the bridge has left it meanwhile.
func (m *Machine) later(d time.Duration, f func()) {
	life := m.life
	m.waits++ // no two waits are of the same length: a session's end must not come with the ping that its begin set off
	time.AfterFunc(d+time.Duration(m.waits)*time.Microsecond, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.life == life {
			f()
		}
	})
}

// join is the bridge on the bus: the machine finds it, sets it up and enables it.
func (m *Machine) join() {
	m.on = true
	m.life++
	m.approved = false
	m.become("INACTIVE")
	m.later(setupTime/2, func() { m.become("DISABLED") })
	m.later(setupTime, func() {
		if !m.disabled {
			m.become("ENABLED")
		}
	})
}

// leave is the bridge off the bus: whatever it was told is void.
func (m *Machine) leave() {
	m.on, m.status, m.approved = false, "", false
	m.life++
}

// reset is the machine that begins anew: the bridge hears that, and is set up again.
func (m *Machine) reset() {
	if !m.on {
		return
	}
	m.life++
	m.approved = false
	m.become("INACTIVE")
	m.later(resetTime, func() { m.become("DISABLED") })
	m.later(resetTime+setupTime, func() {
		if !m.disabled {
			m.become("ENABLED")
		}
	})
}

// cancel is the machine that gives its request up.
func (m *Machine) cancel() {
	m.say("c,ERR,VEND 1")
	m.back()
}

// back is the end of a request: into the session, and out of it unless it goes on.
func (m *Machine) back() {
	m.approved = false
	m.asked++
	m.become("IDLE")
	if !m.Multi {
		m.endSession()
	}
}

func (m *Machine) endSession() {
	m.later(backTime, func() {
		if m.status == "IDLE" {
			m.become(map[bool]string{false: "ENABLED", true: "DISABLED"}[m.disabled])
		}
	})
}

// command is one line of the program.
func (m *Machine) command(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Log != nil {
		m.Log("> " + line)
	}
	word, argument, _ := strings.Cut(strings.TrimPrefix(line, "C,"), ",")
	switch {
	case line == "V":
		m.say("v,4.0.2.0,0123456789abcdef")
	case !strings.HasPrefix(line, "C,"):
		m.complain("not a command: " + strconv.Quote(line))
	case word == "0":
		m.leave()
		m.say("c,0")
	case word == "1" && m.on:
		m.say(`c,ERR,"cashless is on"`)
	case word == "1":
		m.join()
		m.say("c,1")
	case !m.on:
		m.say(`c,ERR,"cashless is off"`)
	case word == "START":
		m.start(argument)
	case word == "STOP":
		m.stop()
	case word == "VEND":
		m.answer(argument)
	default:
		m.complain("no such command: " + strconv.Quote(line))
	}
}

func (m *Machine) complain(what string) {
	if m.Complain != nil {
		m.Complain(what)
	}
}

func (m *Machine) start(credit string) {
	if n, err := strconv.ParseFloat(credit, 64); err != nil || n <= 0 {
		m.complain("a session without a credit: " + strconv.Quote(credit))
	}
	if m.status != "ENABLED" {
		m.say(`c,ERR,"START -3"`)
		return
	}
	m.status = "IDLE"
	m.say("c,STATUS,IDLE," + credit)
}

func (m *Machine) stop() {
	switch {
	case m.status == "IDLE":
		m.endSession()
	case m.status == "VEND" && !m.approved:
		m.asked++
		m.become("IDLE")
		m.endSession()
	default:
		m.say(`c,ERR,"STOP -3"`)
	}
}

// answer is the program's word on a request.
func (m *Machine) answer(price string) {
	if m.status == "VEND" && m.trouble == CancelFirst {
		m.trouble = ""
		m.cancel()
	}
	if m.status == "VEND" && !m.approved && (m.trouble == Deaf || m.trouble == DeafSilent) && price != "-1" {
		if m.trouble == DeafSilent {
			m.later(giveUp/2, func() { m.back() })
		}
		m.trouble = ""
		return
	}
	switch {
	case m.status != "VEND" || m.approved:
		m.say(`c,ERR,"VEND -3"`)
	case price == "-1":
		m.asked++
		m.become("IDLE")
	default:
		if want := m.Products[m.request].Price; price != want {
			m.complain("approved with " + price + " what costs " + want)
		}
		m.approved = true
		m.approvals++
		life, t, product := m.life, m.trouble, m.Products[m.request]
		m.trouble = ""
		go m.deliver(life, t, product)
	}
}

// deliver is the machine that was told to. It does so even when nobody listens any more.
func (m *Machine) deliver(life int, t Trouble, p Product) {
	time.Sleep(busTime)
	if t == UnplugBefore || t == UnplugForAWhile {
		m.Unplug()
	}
	came := true
	if t == ResetBefore || t == Fail || t == Liar {
		came = t == Liar
	} else {
		came = p.Deliver()
	}
	if t == UnplugForAWhile {
		m.Plug()
		time.Sleep(awayTime)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life != life { // the bridge has left the bus meanwhile: nobody is told
		return
	}
	switch {
	case t == ResetBefore || t == ResetAfter:
		m.reset()
	case t == NoAnswer:
		m.back()
	case !came:
		m.say("c,ERR,VEND 3")
		m.back()
	case t == Late:
		m.back()
		m.later(lateTime, m.success)
	default:
		m.success()
		m.back()
	}
}

func (m *Machine) success() {
	m.successes++
	m.say("c,VEND,SUCCESS")
}
