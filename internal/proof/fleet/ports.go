package fleet

import (
	"slices"

	"kioskd/internal/proof/port"
)

// ports are addresses of this computer for the parts of a fleet, none of them given twice.
type ports struct{ given []string }

func (p *ports) free() string {
	for {
		if address := port.Free(); !slices.Contains(p.given, address) {
			p.given = append(p.given, address)
			return address
		}
	}
}
