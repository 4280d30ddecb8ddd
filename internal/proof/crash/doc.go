// Package crash kills the real kiosk: the built programs as processes, a journal on a real disk, real HTTP to a
// glasesim, and the machine's board in a process of its own, which outlives the kiosk as relays and motors do.
//
// Its tests let a scripted customer buy, and send SIGKILL at the writes of the journal, at each call to Glase before it
// is carried out and after it, and at random moments; start the kiosk again as systemd would, sometimes to kill it once
// more while it recovers; and then hold the promises about money and motors against what can be seen from outside:
// Glase's ledger, the board, and the kiosk's own public sales.
//
//	go test ./internal/proof/crash                              a few kills
//	go test ./internal/proof/crash -kills 200 -parallel 4 -timeout 0 -v     at least so many
package crash
