package books

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"kioskd/glase"
	"kioskd/internal/debug/api"
	"kioskd/internal/plainfile"
)

// closing is a report as it is kept: what is shown of it, and what the next one goes on from.
type closing struct {
	api.Report
	Asked   bool                 // Glase was asked to mark the period
	Lost    string               // why a sale that Glase's report lacks may stand elsewhere; "": it does not
	Through int64                // the last entry of the sales in it
	Newest  int64                // the first entry of the newest sale when the period was marked
	Ahead   []glase.StatementRow // rows of sales that were not over then
}

const (
	// fileMax bounds a closing's file: a month of a busy machine is some 4 MiB.
	fileMax = 32 << 20
	// filesMax is how many closings are kept: as long as the journal's sales, closed once a day.
	filesMax = 400
)

func (b *Books) path(number int) string {
	return filepath.Join(b.Folder, fmt.Sprintf("report-%06d.json", number))
}

// save keeps a closing, and lets go of one that is too old.
func (b *Books) save(c closing) error {
	if err := os.MkdirAll(b.Folder, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := plainfile.Replace(b.path(c.Number), append(text, '\n')); err != nil {
		return err
	}
	if old := b.path(c.Number - filesMax); c.Number > filesMax {
		_ = os.Remove(old) // it is there once, and small
	}
	return nil
}

// files are the names of the closings' files, oldest first.
func (b *Books) files() []string {
	files, err := filepath.Glob(filepath.Join(b.Folder, "report-*.json"))
	if err != nil {
		panic("books: " + err.Error()) // the pattern is ours
	}
	slices.Sort(files)
	return files
}

// load gives the closings that are kept, oldest first. What is no closing is passed over and said.
func (b *Books) load() (all []closing) {
	for _, file := range b.files() {
		if c, ok := b.open(file); ok {
			all = append(all, c)
		}
	}
	return all
}

// last is the newest closing that can be read.
func (b *Books) last() (closing, bool) {
	for _, file := range slices.Backward(b.files()) {
		if c, ok := b.open(file); ok {
			return c, true
		}
	}
	return closing{}, false
}

func (b *Books) open(file string) (c closing, ok bool) {
	text, _, err := plainfile.Read(file, fileMax)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && b.path(c.Number) != file {
		err = fmt.Errorf("it is report %d", c.Number)
	}
	if err != nil {
		b.Log.Error().Err(err).Str("file", file).Msg("a report of the books cannot be read, and is left out")
	}
	return c, err == nil
}
