// Package kernel proves the hardware drivers on a real kernel: its tests run as root in a virtual machine with
// simulated GPIO chips and a virtual framebuffer.
//
//	make test-hw                         all of it (root on Debian; the first run fetches kernels)
//	internal/proof/kernel/run -test.run Sale   some of it
//	internal/proof/machine/vm PROGRAM           any other static program there; a test binary is one: go test -c with CGO_ENABLED=0
//
// The lines of a simulated chip are pulled and read through sysfs, which is what a motor, a sensor and a finger do
// here. What the program drives is read from the kernel's own trace of every change of a level, with its time. Times
// are those of an emulated processor: how long something took there is told, and held to a bound only where the promise
// is about a length.
//
// The framebuffer is read back as the kernel would show it, and its QR code decoded. Its driver is unbound, which is a
// display that is pulled out.
//
// Where there is no such machine, every test here is skipped and says so.
package kernel
