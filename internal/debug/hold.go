package debug

import (
	"fmt"
	"net/http"
	"time"

	"kioskd/internal/debug/api"
)

// Hold lets no new sale begin for so long, and says whether the machine stands still already. 0 ends it.
type Hold func(long time.Duration) (still bool)

// hold takes {"seconds"} and answers 200 {"still"}. Who waits for a machine that stands still asks again, since the
// hold ends by itself.
func (p *port) hold(w http.ResponseWriter, r *http.Request) {
	var h api.Hold
	if !readSaid(w, r, `"seconds"`, &h) {
		return
	}
	if h.Seconds < 0 || h.Seconds > api.HoldMax {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("seconds must be from 0 to %d", api.HoldMax))
		return
	}
	answer(w, http.StatusOK, api.Held{Still: p.Hold(time.Duration(h.Seconds) * time.Second)})
}
