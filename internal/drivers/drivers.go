// Package drivers is the list of the kinds of slot that kioskd has: the one place that names them all.
package drivers

import (
	"kioskd/hw/vend"
	"kioskd/hw/vend/board"
	"kioskd/hw/vend/lock"
	"kioskd/hw/vend/lockboard"
	"kioskd/hw/vend/lockplate"
	"kioskd/hw/vend/mdb"
	"kioskd/hw/vend/relay"
)

// All are the kinds, in the order in which they are offered to somebody who writes a config.
func All() []vend.Kind {
	return []vend.Kind{relay.Driver(), lock.Driver(), lockboard.Driver(), lockplate.Driver(), board.Driver(),
		mdb.Driver()}
}
