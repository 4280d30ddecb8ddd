package journal

// applicationID marks the file as a kioskd journal ("kios"); schemaVersion is its format. Both stand in the file's
// header.
//
// Format 1 had the stock in a table of its own, so that it is not in its states; format 2 had an event for each call,
// and the sale's payment spread over it. Both are refused. No release wrote them.
const (
	applicationID = 0x6b696f73
	schemaVersion = 3
)

// schema makes an empty journal.
//
// A page on flash is dear, so an index must earn the page that it dirties for every sale: ids are what people ask by,
// and a scan of all sales keeps a Pi busy for seconds. Glase counts its references upwards, so a sale that ends writes
// to the end of each of their indexes: one page that is written often instead of many.
const schema = `
CREATE TABLE entries (
	seq    INTEGER PRIMARY KEY, -- from 1, no gaps
	wall   INTEGER NOT NULL,    -- milliseconds since 1970, by the clock of that moment
	whole  INTEGER NOT NULL,    -- 1: after is the whole state; 0: only what changed in it
	event  TEXT NOT NULL,       -- what happened
	body   TEXT NOT NULL,       -- its JSON
	before TEXT NOT NULL,       -- the volatile part of the state that it met, as JSON; empty when there was none
	after  TEXT NOT NULL,       -- the state after it, as JSON, or a JSON merge patch (RFC 7396) to the state before it
	prev   BLOB NOT NULL,       -- hash of the entry before; zeros in entry 1
	hash   BLOB NOT NULL        -- SHA-256 over all of the above
);
CREATE TABLE sales ( -- written when a sale begins and when it ends: an open sale is in the last entry
	first    INTEGER PRIMARY KEY, -- its first entry
	last     INTEGER NOT NULL,    -- the entry that it ended with; the first while it is open
	id       TEXT NOT NULL,
	flow     TEXT NOT NULL,
	state    TEXT NOT NULL,
	why      TEXT NOT NULL,
	note     TEXT NOT NULL,
	currency TEXT NOT NULL,
	reserved TEXT NOT NULL,       -- amounts are decimal strings
	charged  TEXT NOT NULL,
	refunded TEXT NOT NULL,
	invoice  TEXT NOT NULL,       -- Glase's invoiceReference
	ers      TEXT NOT NULL,       -- Glase's ersReference
	items    TEXT NOT NULL,       -- JSON: [{"slot","price","outcome"}]
	started  INTEGER NOT NULL,    -- milliseconds since 1970
	ended    INTEGER              -- NULL while it is open
);
CREATE INDEX doubts ON sales(first) WHERE state = 'in_doubt';
CREATE INDEX sales_by_id ON sales(id);
CREATE INDEX invoices ON sales(invoice) WHERE invoice <> '';
CREATE INDEX payments ON sales(ers) WHERE ers <> '';
CREATE TABLE anchor (seq INTEGER NOT NULL); -- one row: the oldest entry that is kept
INSERT INTO anchor VALUES (1);
CREATE TABLE closed (seq INTEGER NOT NULL); -- one row after a Close in order: the last entry; none while it is open
CREATE TABLE programs (seq INTEGER PRIMARY KEY, version TEXT NOT NULL); -- who wrote from this entry on
`
