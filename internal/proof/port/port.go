// Package port finds an address for a program that a test starts in a process of its own, and that listens where its
// config says.
package port

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// The range is below what Linux gives to port 0 and to a connection's own end (net.ipv4.ip_local_port_range, from
// 32768 on): one that has been found free cannot be given to somebody else before the program takes it, but by
// another test's draw of the same number in that moment.
const first, last = 10_000, 32_767

// Free gives an address of this host, like "127.0.0.1:23456", that nobody listens on.
func Free() string {
	for {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(last-first+1)))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
}
