package config

import (
	"fmt"
	"strings"
	"time"
)

// Backup is where copies of the machine go, for the day on which its card dies. Without a Folder none are made.
type Backup struct {
	Folder string // or ""
	// Folder must be on another disk than the journal: a stick that is not plugged in is an error
	Stick      bool
	Recipients []string      // age's public keys of those who may read the secrets; none: no secret is in a copy
	At         time.Duration // since midnight in the machine's time zone: when the nightly copy is due
	Keep       int           // how many copies of this machine stay in Folder
}

const (
	recipientsMax   = 8   // of one copy
	keepMax         = 400 // copies: each may have some ten MB
	keepDefault     = 14
	backupAtDefault = 3*time.Hour + 30*time.Minute
	recipientLength = 62 // of an age key of the usual kind (X25519), as age-keygen prints it
)

func (t *table) backup(b *Backup) {
	t.file("folder", &b.Folder)
	t.flag("stick", &b.Stick)
	b.Recipients = t.texts("recipients", recipientsMax, `["age1…"]`, isRecipient)
	t.text("at", new(string), func(s string) string {
		at, err := time.Parse("15:04", s)
		if err != nil || len(s) != len("15:04") {
			return quote(s) + ` is no time of a day: write hours and minutes, like "03:30"`
		}
		b.At = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
		return ""
	})
	t.whole("keep", &b.Keep, 1, keepMax)
	if len(t.values) > 0 {
		t.need("folder", `"/media/kioskd-backup"`, "where the copies go")
	}
}

// isRecipient is the rule of an age key, as far as it shows in the text.
func isRecipient(s string) string {
	const like = "it is what age-keygen prints after \"public key:\", age1 and 58 letters and digits"
	switch {
	case strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-"):
		return "is a secret key, which must never be on a machine: write the public one, " + like
	case len(s) != recipientLength || !strings.HasPrefix(s, "age1") || !only(s, lower+digits):
		return fmt.Sprintf("%s is no public key of age's: %s", quote(s), like)
	}
	return ""
}
