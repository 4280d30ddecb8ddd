package glasepay

import (
	"crypto/rand"
	"regexp"
	"testing"
)

// TestAClientReferenceNamesTheProductAndItsRelease: certification wants both, in at most 32 characters, and each call
// its own.
func TestAClientReferenceNamesTheProductAndItsRelease(t *testing.T) {
	for version, form := range map[string]string{
		"0.2.0+697e0a7":    `^kioskd-0\.2\.0-[0-9A-Z]{16}$`,
		"10.12.13":         `^kioskd-10\.12\.13-[0-9A-Z]{16}$`,
		"0.2.0-rc.1+abc":   `^kioskd-0\.2\.0-rc-[0-9A-Z]{16}$`,
		"development":      `^kioskd-developm-[0-9A-Z]{16}$`,
		"":                 `^kioskd-[0-9A-Z]{16}$`,
		"+of-a-commit-too": `^kioskd-[0-9A-Z]{16}$`,
	} {
		next := References(version, rand.Reader)
		one, other := next(), next()
		if !regexp.MustCompile(form).MatchString(one) || len(one) > 32 || one == other {
			t.Errorf("version %q: %q, %q", version, one, other)
		}
	}
}
