package page

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/hub/store"
	"kioskd/internal/money"
)

const exportMax = 5 * 366 // days

// writer writes a table of a period to a file.
type writer func(ctx context.Context, to *csv.Writer, from, until time.Time, group string) error

// export answers a CSV as in RFC 4180, while it is read. Both days are included, in the operator's zone.
func (p *Page) export(write writer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, err := time.ParseInLocation(time.DateOnly, q.Get("from"), p.Zone)
		to, err2 := time.ParseInLocation(time.DateOnly, q.Get("to"), p.Zone)
		if err != nil || err2 != nil || to.Before(from) || to.Sub(from) > exportMax*24*time.Hour {
			http.Error(w, "Say from and to as in ?from=2026-11-01&to=2026-11-30, at most five years apart.",
				http.StatusBadRequest)
			return
		}
		name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".csv")
		h := w.Header()
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q",
			fmt.Sprintf("%s_%s_%s.csv", name, from.Format(time.DateOnly), to.Format(time.DateOnly))))
		out := &steady{w: w, c: http.NewResponseController(w)}
		buffered := bufio.NewWriterSize(out, 32<<10)
		table := csv.NewWriter(buffered)
		table.UseCRLF = true
		err = write(r.Context(), table, from, time.Date(to.Year(), to.Month(), to.Day()+1, 0, 0, 0, 0, p.Zone),
			q.Get("group"))
		table.Flush()
		if err == nil {
			err = table.Error()
		}
		if err == nil {
			err = buffered.Flush()
		}
		switch {
		case err == nil || r.Context().Err() != nil:
		case out.begun:
			p.Log.Error().Err(err).Msg("an export ended before its end")
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		default:
			h.Del("Content-Disposition")
			p.fail(w, r, err)
		}
	})
}

const writeWithin = 30 * time.Second // for one part of an export

// steady gives each part its own time, however long the whole takes.
type steady struct {
	w     io.Writer
	c     *http.ResponseController
	begun bool
}

func (s *steady) Write(b []byte) (int, error) {
	s.begun = true
	_ = s.c.SetWriteDeadline(time.Now().Add(writeWithin)) // where it cannot be set the server's own holds
	return s.w.Write(b)
}

// cell is a text that no spreadsheet takes for a formula: names come from the machines' configs.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(text[0])) {
		return "'" + text
	}
	return text
}

func decimal(minor int64, currency string) string {
	return money.Amount{Minor: minor, Currency: currency}.Decimal()
}

// stamp is a moment in the operator's zone; nothing for none, and for a machine's without a clock.
func (p *Page) stamp(t time.Time) string {
	if t.Before(clockless) {
		return ""
	}
	return t.In(p.Zone).Format(time.RFC3339)
}

func (p *Page) writeSales(ctx context.Context, to *csv.Writer, from, until time.Time, group string) error {
	header := []string{"kiosk", "machine", "group", "sale", "flow", "state", "why", "currency", "reserved", "charged",
		"refunded", "paid", "invoice_reference", "ers_reference", "started", "ended", "written"}
	if err := to.Write(header); err != nil {
		return err
	}
	return p.Store.Export(ctx, from, until, group, func(s store.SaleRow) error {
		return to.Write([]string{cell(s.Kiosk), cell(s.MachineName), cell(s.Group), cell(s.Sale), cell(s.Flow),
			cell(s.State), cell(s.Why), cell(s.Currency), decimal(s.Reserved, s.Currency), decimal(s.Charged,
				s.Currency),
			decimal(s.Refunded, s.Currency), decimal(s.Charged-s.Refunded, s.Currency), cell(s.Invoice), cell(s.Ers),
			p.stamp(s.Started), p.stamp(s.Ended), p.stamp(s.Taken)})
	})
}

func (p *Page) writeItems(ctx context.Context, to *csv.Writer, from, until time.Time, group string) error {
	header := []string{"kiosk", "machine", "group", "sale", "state", "ended", "n", "slot", "product", "outcome",
		"currency",
		"price", "vat_percent", "to_be_paid"}
	if err := to.Write(header); err != nil {
		return err
	}
	return p.Store.ExportItems(ctx, from, until, group, func(s store.SaleRow, i store.ItemRow) error {
		paid := "no"
		if i.Charged {
			paid = "yes"
		}
		return to.Write([]string{cell(s.Kiosk), cell(s.MachineName), cell(s.Group), cell(s.Sale), cell(s.State),
			p.stamp(s.Ended), strconv.Itoa(i.N), cell(i.Slot), cell(i.Name), cell(i.Outcome), cell(s.Currency),
			decimal(i.Price, s.Currency), strconv.Itoa(i.VAT), paid})
	})
}
