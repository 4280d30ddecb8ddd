// Package world is a whole simulated world for the tests: the real kiosk, and around it customers, technicians,
// strangers, Glase, a vending machine, a disk and a network, all of which misbehave. One seed decides everything that
// happens, in virtual time.
//
// The kiosk is built by package app as the daemon is; only what it is built from is the world's. The machine's board,
// the journal's records and Glase outlive it. A kill closes the gate between a run of the kiosk and the world at any
// moment, also between a record and the act that it is for; then the world starts the next run, as systemd would.
//
// In some worlds Glase is on connections, which the kiosk's own transport opens on a network in memory, and which a
// front lets die. What a front loses is no excuse for anything.
//
// A referee who sees nothing of the kiosk but its journal's public summary holds the promises: nobody pays for what did
// not come out, no motor starts for nothing or twice, nothing is left hanging, no relay stays on, a doubt or a loss has
// a cause that a kiosk could do nothing about, and after all troubles the machine sells again.
//
// Whatever happens in a world beyond the kiosk's own doing has a name, and can be left out. So a world in which a
// promise was broken is shortened to a story in which nothing more can be left out, and comes with the command that
// plays it again:
//
//	make soak SALES=1000000
//	make soak SEED=4711 ONLY='visit 1,visit 1/customer 1,visit 1/network'
//
// What runs at the same moment of virtual time may run in either order, and with it may the lines of one moment in the
// diary. All waits of the world's own are random to the nanosecond, so that this hardly ever decides anything.
package world
