// Package sim is a whole simulated world for the tests: the real kiosk, and around it customers, technicians, Glase, a vending
// machine, a disk and a network, all of which misbehave. One seed decides everything that happens, in virtual time.
//
// The kiosk is built by package app as the daemon is; only what it is built from is the world's. The machine's board, the
// journal's records and Glase outlive it. A kill closes the gate between a run of the kiosk and the world at any moment, also
// between a record and the act that it is for; then the world starts the next run, as systemd would.
//
// A referee who sees nothing of the kiosk but its journal's public summary holds the promises: nobody pays for what did not come
// out, no motor starts for nothing or twice, nothing is left hanging, no relay stays on, and after all troubles the machine sells
// again. Each violation comes with the seed and the world's diary:
//
//	go test ./internal/sim -run TestNoSeedLosesMoney -seed 4711 -v
//
// What runs at the same moment of virtual time may run in either order, and with it may the lines of one moment in the diary.
// All waits of the world's own are random to the nanosecond, so that this hardly ever decides anything.
package sim
