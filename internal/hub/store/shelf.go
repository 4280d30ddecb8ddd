package store

import (
	"context"
	"strings"

	"kioskd/fsm"
)

// against is what stands against selling: the machine's faults, and the slots that are closed.
func against(s fsm.State) map[faultKey]fsm.Fault {
	all := map[faultKey]fsm.Fault{}
	for _, c := range s.Closed {
		all[faultKey{clip(string(c.Why)), clip(c.Slot)}] = fsm.Fault{}
	}
	for _, f := range s.Faults {
		all[faultKey{clip(string(f.Name)), clip(strings.Join(f.Slots, " "))}] = f
	}
	return all
}

// writeFaults follows what began and ended to stand against selling.
func (t *taking) writeFaults(ctx context.Context) error {
	if len(t.story) == 0 {
		return nil
	}
	stands, err := t.standing(ctx)
	if err != nil {
		return err
	}
	for _, then := range t.story {
		for key := range stands {
			if _, still := then.faults[key]; still {
				continue
			}
			delete(stands, key)
			if _, err := t.tx.ExecContext(ctx, "UPDATE faults SET until = $1 WHERE machine = $2 AND name = $3 "+
				"AND slots = $4 AND until IS NULL", then.wall, t.id, key.name, key.slots); err != nil {
				return err
			}
		}
		for key, f := range then.faults {
			hard := 0
			if f.Hard {
				hard = 1
			}
			stands[key] = true
			if _, err := t.tx.ExecContext(ctx, "INSERT INTO faults (machine, name, slots, hard, note, since) "+
				"VALUES "+values(1, 6)+" ON CONFLICT (machine, name, slots) WHERE until IS NULL DO UPDATE SET "+
				"hard = excluded.hard, note = excluded.note",
				t.id, key.name, key.slots, hard, clip(f.Note), then.wall); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *taking) standing(ctx context.Context) (map[faultKey]bool, error) {
	rows, err := t.tx.QueryContext(ctx, "SELECT name, slots FROM faults WHERE machine = $1 AND until IS NULL", t.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stands := map[faultKey]bool{}
	for rows.Next() {
		var k faultKey
		if err := rows.Scan(&k.name, &k.slots); err != nil {
			return nil, err
		}
		stands[k] = true
	}
	return stands, rows.Err()
}

// slotRow is a slot as it is told to the operator.
type slotRow struct {
	name, currency, closed string
	price                  int64
	vat, remains           int
}

func shelf(s *fsm.State) map[string]slotRow {
	all := map[string]slotRow{}
	if s == nil {
		return all
	}
	closed := s.ClosedSlots()
	for _, p := range s.Shelf {
		all[clip(p.ID)] = slotRow{name: clip(p.Name), currency: clip(p.Price.Currency),
			closed: clip(string(closed[p.ID])), price: p.Price.Minor, vat: p.VAT, remains: s.Stock[p.ID]}
	}
	return all
}

// writeStock writes the slots that are not as they were, and takes away those that the machine has no more.
func (t *taking) writeStock(ctx context.Context) error {
	if t.state == nil {
		return nil
	}
	was, is := shelf(t.old), shelf(t.state)
	if t.old == nil { // what is here may be of long ago
		if _, err := t.tx.ExecContext(ctx, "DELETE FROM stock WHERE machine = $1", t.id); err != nil {
			return err
		}
	}
	for slot, row := range is {
		if old, there := was[slot]; there && old == row {
			continue
		}
		if _, err := t.tx.ExecContext(ctx, "INSERT INTO stock (machine, slot, name, price, currency, vat, remains, closed, "+
			"since) VALUES "+values(1, 9)+" ON CONFLICT (machine, slot) DO UPDATE SET name = excluded.name, "+
			"price = excluded.price, currency = excluded.currency, vat = excluded.vat, remains = excluded.remains, "+
			"closed = excluded.closed, since = CASE WHEN stock.remains = excluded.remains THEN stock.since ELSE "+
			"excluded.since END", t.id, slot, row.name, row.price, row.currency, row.vat, row.remains,
			row.closed, t.wall); err != nil {
			return err
		}
	}
	for slot := range was {
		if _, still := is[slot]; still {
			continue
		}
		_, err := t.tx.ExecContext(ctx, "DELETE FROM stock WHERE machine = $1 AND slot = $2", t.id, slot)
		if err != nil {
			return err
		}
	}
	return nil
}
