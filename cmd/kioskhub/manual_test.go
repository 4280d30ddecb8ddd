package main

import (
	"io"
	"testing"

	"kioskd/internal/proof/manual"
)

func TestEveryCommandHasItsPageInTheManual(t *testing.T) {
	manual.Hold(t, command(io.Discard, io.Discard))
}
