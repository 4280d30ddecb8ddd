package debug

import (
	"net/http"

	"kioskd/internal/debug/api"
)

// SelfTest looks at the machine, and moves nothing.
type SelfTest interface {
	// Begin has a test begin. The error says why not: somebody is served, or one is on.
	Begin() error
	// Last is how the last one went, and whether one is on.
	Last() api.SelfTest
}

// selfTest answers how the last test went. POST begins one, and answers 202, or 409 with why not.
func (p *port) selfTest(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		answer(w, http.StatusOK, p.SelfTest.Last())
		return
	}
	if err := p.SelfTest.Begin(); err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	answer(w, http.StatusAccepted, p.SelfTest.Last())
}
