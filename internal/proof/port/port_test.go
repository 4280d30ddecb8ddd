package port

import (
	"fmt"
	"net"
	"os"
	"testing"
)

// TestNoConnectionIsGivenAFreePort compares with what this kernel gives away.
func TestNoConnectionIsGivenAFreePort(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip("no Linux:", err)
	}
	var from, to int
	if _, err := fmt.Sscan(string(text), &from, &to); err != nil {
		t.Fatal(err)
	}
	if last >= from {
		t.Errorf("the kernel gives away %d to %d, and we use up to %d", from, to, last)
	}
	l, err := net.Listen("tcp", Free())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
