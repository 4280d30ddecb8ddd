package glasepay

import (
	"io"
	"strings"

	"kioskd/internal/mint"
)

const (
	// releaseMax bounds what of a version goes into a clientReference, in bytes: with the product's name and the random
	// part it is as long as Glase lets one be, 32 characters.
	releaseMax = 8
	// referenceRandom are a clientReference's random bytes: no two calls ever have the same.
	referenceRandom = 10
)

// References makes clientReferences: the product's name and release, as Glase's certification asks, and 16 random
// letters and digits, which are each call's own. The commit after a version's "+" is left out.
func References(version string, random io.Reader) func() string {
	release, _, _ := strings.Cut(version, "+")
	product := "kioskd-" + release[:min(len(release), releaseMax)] + "-"
	if release == "" {
		product = "kioskd-"
	}
	return func() string { return product + mint.Mint{Random: random}.Text(referenceRandom) }
}
