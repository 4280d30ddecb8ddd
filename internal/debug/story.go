package debug

import (
	"context"
	"net/http"

	"kioskd/internal/debug/api"
	"kioskd/internal/journal"
	"kioskd/internal/story"
)

// storyMax bounds a story's lines; a sale of many products has some fifty.
const storyMax = 400

// story answers what happened in a sale, line by line, oldest first: 404 for a sale that the journal does not know.
func (p *port) story(w http.ResponseWriter, r *http.Request) {
	var entries []journal.Entry
	err := p.read(r.Context(), func(ctx context.Context) (err error) {
		entries, err = p.Sales.Entries(ctx, r.PathValue("id"))
		return err
	})
	switch {
	case err != nil:
		p.Log.Warn().Err(err).Msg("a technician could not be shown a sale")
		refuse(w, http.StatusServiceUnavailable, "the sale cannot be read: "+err.Error())
		return
	case len(entries) == 0:
		refuse(w, http.StatusNotFound, noSale)
		return
	}
	lines := []api.Line{}
	for _, e := range entries[max(0, len(entries)-storyMax):] {
		lines = append(lines, api.Line{Seq: e.Seq, Time: e.Wall, Event: e.Event, Text: story.Line(e.Event, e.Body,
			e.After)})
	}
	answer(w, http.StatusOK, lines)
}
