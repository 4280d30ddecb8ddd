package doctor

import (
	"fmt"
	"time"
)

// clockBegins is before this program was written: a clock that says less was never set.
const clockBegins = 2025

// Clock finds a clock that was never set, or that nobody keeps right. Sales need none; records, certificates and TLS do.
func Clock(now time.Time, synced bool) []Finding {
	const area = "clock"
	help := "let the machine reach a time server: timedatectl; sudo systemctl enable --now systemd-timesyncd"
	switch {
	case now.Year() < clockBegins:
		return []Finding{Failed(area, fmt.Sprintf("the clock stands in %d: Glase's certificate cannot be believed, and records have wrong times", now.Year()), help)}
	case !synced:
		return []Finding{Warned(area, now.UTC().Format("2006-01-02 15:04:05 UTC")+", not checked against a time server", help)}
	}
	return []Finding{Ok(area, now.UTC().Format("2006-01-02 15:04:05 UTC")+", set by a time server")}
}
