// Package upgrade changes kioskd's version on a whole machine while it sells: Debian's systemd in a container, whose disk
// is a file with ext4, and the real packages. Upgrades are killed, and the power is cut, at each step; versions that are
// no good are installed. Glase and the machine's motors are outside of it, as they are in life, and outlive it.
//
// run makes the packages and the disk; the tests need root, and the room KIOSKD_UPGRADE that run names.
package upgrade
