// Package fleet is a whole fleet on this machine, as real processes: brokers, gateways behind a load balancer,
// collectors, a database, Glase, and kiosks with simulated hardware. Every part of it can be killed, frozen, cut off
// and started again. The demo of a fleet and the tests of this package use it.
//
// What a process writes is in a folder of its own, and the kernel kills each should whoever started it be killed.
package fleet
