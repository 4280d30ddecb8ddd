// Package journal is the durable record of every sale and of the stock, which is part of the state.
//
// It is one SQLite file that exactly one process owns. Every step of the state machine that changes something true
// about money, motors or promises is one transaction: the event, the state after it, and the sale's row. When Append
// returns nil the transaction is on the disk (write-ahead log, synchronous=FULL) and survives SIGKILL and a power cut;
// when it returns an error nothing of it counts, and the journal goes on working as soon as the disk does.
//
// The entries are chained: each holds a SHA-256 hash over itself and the hash of the one before it. The chain finds
// damage and gaps, not forgery: there is no key. Nothing here repairs a file: what cannot be read is an error that says
// what to do.
//
// A journal that comes back without its newest entries, since its -wal is gone or an old copy was put back, is noticed
// by the witness beside it, NAME.witness: see there which loss is always noticed, and which may not be. Open opens it
// all the same, and Lost says what is gone; it is recorded as an entry, so that the fork in the history shows in a
// replay.
//
// A journal may be sent to anybody. It holds no credential and no phone number; a payer is known by a keyed hash, whose
// key is not in it. Export makes a whole copy, also of a running machine's. Of a file that was copied alone, while it
// was in use, Replay says that its newest entries may be missing: a journal that was closed in order has a note of that
// in it.
//
// Whoever reads has read-only connections of its own, for a bounded time: no Append waits for a look, whatever it asks.
// Sales are found by id through an index.
//
// Wall time only labels. A Raspberry Pi has no clock until the network gives it one, so everything is ordered by seq,
// the number of the entry, counted from 1 without gaps.
//
// Tables: entries (the chain), sales (one row for each sale, a summary of its entries), anchor (the number of the
// oldest entry that is kept), programs (which version of the program wrote from which entry on), closed (the last entry
// of a journal that was closed in order). A technician may read them with any SQLite; the program's owner is found
// through the flock on the file NAME.lock beside it.
package journal
