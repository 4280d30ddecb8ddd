package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"kioskd/internal/proof/child"
)

// Host is a computer of its own as far as the network goes: a network namespace with one cable, to a switch that this
// process is at too. A nil Host is this computer.
type Host struct {
	Name    string
	Address string // its IP address
	line    *line
}

const (
	switchName = "kfswitch" // the bridge to which the cables of all hosts lead
	ownNetwork = "KIOSKD_PROOF_NETWORK"
)

// Here is this process's own address at the switch.
const Here = "10.77.0.1"

// InOwnNetwork says whether OwnNetwork started this process.
func InOwnNetwork() bool { return os.Getenv(ownNetwork) != "" }

// OwnNetwork runs this program again, with the given arguments, in a network of its own that nobody else is in, and
// gives how that ended. Whatever becomes of it, the kernel takes the network away with its last process. Only root may.
func OwnNetwork(args ...string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("fleet: only root can make networks to cut")
	}
	c := exec.Command(exe, args...)
	c.Stdin, c.Stdout, c.Stderr, c.Env = os.Stdin, os.Stdout, os.Stderr, append(os.Environ(), ownNetwork+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	started, err := child.Start(c, syscall.SIGKILL)
	if err != nil {
		return err
	}
	return started.Err()
}

// Switch makes the switch, once, in an OwnNetwork.
func Switch() error {
	return run(
		"mkdir -p /run/netns",
		"mount -t tmpfs tmpfs /run/netns",
		"ip link set lo up",
		"ip link add "+switchName+" type bridge",
		"ip address add "+Here+"/24 dev "+switchName,
		"ip link set "+switchName+" up",
	)
}

// NewHost makes a host, with the last part of its address. Its cable is good.
func NewHost(name string, last int) (*Host, error) {
	h := &Host{Name: name, Address: fmt.Sprintf("10.77.0.%d", last)}
	here, there := "kf-"+name, "kf="+name
	var err error
	if h.line, err = newLine(here, there); err != nil {
		return nil, err
	}
	in := "ip -n " + name + " "
	return h, run(
		"ip netns add "+name,
		"ip link set "+there+" netns "+name,
		"ip link set "+here+" master "+switchName,
		"ip link set "+here+" up",
		in+"link set lo up",
		in+"address add "+h.Address+"/24 dev "+there,
		in+"link set "+there+" up",
	)
}

// Line makes its line as good as that. The zero LineState mends it.
func (h *Host) Line(s LineState) { h.line.set(s) }

// wrap is how a program is started there.
func (h *Host) wrap(program string, args []string) (string, []string) {
	if h == nil {
		return program, args
	}
	return "ip", append([]string{"netns", "exec", h.Name, program}, args...)
}

// run runs commands, whose words have no spaces, one after the other.
func run(lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, bytes.TrimSpace(out))
		}
	}
	return nil
}
