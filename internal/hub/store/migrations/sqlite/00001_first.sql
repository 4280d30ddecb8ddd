-- Moments are milliseconds since 1970 by the clock of whoever is named with them; amounts are minor units (öre, cents)
-- of the currency beside them; texts that are JSON are kept as they came. The same tables are in ../postgres.

-- +goose Up
CREATE TABLE groups (
	name TEXT PRIMARY KEY,
	note TEXT NOT NULL DEFAULT '',
	made INTEGER NOT NULL
);

-- One row for each card that ever was a machine. A replaced card begins a new one, and the old is retired.
CREATE TABLE machines (
	machine  INTEGER PRIMARY KEY AUTOINCREMENT,
	kiosk    TEXT NOT NULL,            -- its id: the token in its config
	name     TEXT NOT NULL DEFAULT '', -- for people
	grp      TEXT NOT NULL DEFAULT '', -- its group; '': none
	key      TEXT NOT NULL DEFAULT '', -- its NKey's public half; '': it was never enrolled here
	made     INTEGER NOT NULL,          -- by the hub's clock, as all that is not said otherwise
	retired  INTEGER,                   -- another card took its place
	-- where its journal stands here; together with the hash the proof of all that came before
	seq      INTEGER NOT NULL DEFAULT 0,
	hash     BLOB,
	first    INTEGER NOT NULL DEFAULT 0, -- the oldest entry that is here without a gap up to seq; 0: none
	forked   INTEGER,                    -- another history came: nothing is written until a person decides
	taken    INTEGER,                    -- when its last entry was written here
	-- as its journal says
	stage    TEXT NOT NULL DEFAULT '',
	reason   TEXT NOT NULL DEFAULT '',
	stage_since INTEGER,                 -- when stage or reason last changed, by the machine's clock
	sale     TEXT NOT NULL DEFAULT '',  -- the one that is open
	currency TEXT NOT NULL DEFAULT '',
	-- as it says of itself
	seen      INTEGER,                   -- when something was last heard of it
	status    TEXT NOT NULL DEFAULT '', -- JSON: its last status
	status_at INTEGER,
	version   TEXT NOT NULL DEFAULT '', -- of its program
	run       TEXT NOT NULL DEFAULT '', -- of its process, and of the one before
	run_before TEXT NOT NULL DEFAULT '',
	run_since INTEGER
);
CREATE UNIQUE INDEX machines_in_use ON machines (kiosk) WHERE retired IS NULL;
CREATE INDEX machines_by_kiosk ON machines (kiosk);
CREATE INDEX machines_by_group ON machines (grp) WHERE retired IS NULL;

-- The journals' entries, byte for byte.
CREATE TABLE entries (
	month   INTEGER NOT NULL, -- when it was written here: 202611
	machine INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	wall    INTEGER NOT NULL,  -- by the machine's clock
	whole   INTEGER NOT NULL,
	event   TEXT NOT NULL,
	body    TEXT NOT NULL,
	before  TEXT NOT NULL,
	after   TEXT NOT NULL,
	prev    BLOB NOT NULL,
	hash    BLOB NOT NULL,
	taken   INTEGER NOT NULL,
	PRIMARY KEY (machine, seq)
);

-- What follows from the entries, written with them.
CREATE TABLE sales (
	machine  INTEGER NOT NULL REFERENCES machines,
	sale     TEXT NOT NULL,
	first    INTEGER NOT NULL, -- its first entry
	last     INTEGER NOT NULL, -- the entry that last changed it
	flow     TEXT NOT NULL,
	state    TEXT NOT NULL,
	why      TEXT NOT NULL,
	note     TEXT NOT NULL,
	currency TEXT NOT NULL,
	reserved INTEGER NOT NULL,
	charged  INTEGER NOT NULL,
	refunded INTEGER NOT NULL,
	invoice  TEXT NOT NULL,   -- Glase's invoiceReference
	ers      TEXT NOT NULL,   -- Glase's ersReference
	started  INTEGER NOT NULL, -- by the machine's clock
	ended    INTEGER,          -- NULL while it is open
	taken    INTEGER NOT NULL, -- when its last change was written here
	PRIMARY KEY (machine, sale)
);
CREATE INDEX sales_by_time ON sales (started);
CREATE INDEX sales_by_end ON sales (ended);
CREATE INDEX sales_of_machine ON sales (machine, first);
CREATE INDEX sales_waiting ON sales (machine) WHERE state IN ('open', 'in_doubt', 'lost');
CREATE INDEX sales_by_invoice ON sales (invoice) WHERE invoice <> '';
CREATE INDEX sales_by_payment ON sales (ers) WHERE ers <> '';

CREATE TABLE items (
	machine INTEGER NOT NULL,
	sale    TEXT NOT NULL,
	n       INTEGER NOT NULL, -- from 1, in the order in which they were chosen
	slot    TEXT NOT NULL,
	name    TEXT NOT NULL,
	price   INTEGER NOT NULL,
	vat     INTEGER NOT NULL, -- whole percent of the price; 0: not declared
	outcome TEXT NOT NULL,
	charged INTEGER NOT NULL, -- 1: it is to be paid for
	PRIMARY KEY (machine, sale, n),
	FOREIGN KEY (machine, sale) REFERENCES sales ON DELETE CASCADE
);

CREATE TABLE stock (
	machine  INTEGER NOT NULL REFERENCES machines,
	slot     TEXT NOT NULL,
	name     TEXT NOT NULL,
	price    INTEGER NOT NULL,
	currency TEXT NOT NULL,
	vat      INTEGER NOT NULL,
	remains  INTEGER NOT NULL,
	closed   TEXT NOT NULL,   -- why it sells nothing; '': it does
	since    INTEGER NOT NULL, -- when remains last changed, by the machine's clock
	PRIMARY KEY (machine, slot)
);

CREATE TABLE faults (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	machine INTEGER NOT NULL REFERENCES machines,
	name    TEXT NOT NULL,
	slots   TEXT NOT NULL, -- with blanks between them; '': the machine
	hard    INTEGER NOT NULL,
	note    TEXT NOT NULL,
	since   INTEGER NOT NULL, -- by the machine's clock
	until   INTEGER           -- NULL: it stands
);
CREATE UNIQUE INDEX faults_standing ON faults (machine, name, slots) WHERE until IS NULL;
CREATE INDEX faults_of_machine ON faults (machine, since);

-- What the collectors found, and a person must know of.
CREATE TABLE alarms (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	kiosk TEXT NOT NULL,
	kind  TEXT NOT NULL,
	note  TEXT NOT NULL,   -- of the last time
	since INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	times INTEGER NOT NULL,
	ended INTEGER,          -- NULL: it stands
	by    TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alarms_standing ON alarms (kiosk, kind) WHERE ended IS NULL;

-- People.
CREATE TABLE users (
	name        TEXT PRIMARY KEY,
	role        TEXT NOT NULL CHECK (role IN ('look', 'operate', 'admin')),
	hash        TEXT NOT NULL DEFAULT '', -- argon2id of the password; '': signs in elsewhere
	subject     TEXT NOT NULL DEFAULT '', -- OpenID Connect: issuer and subject with a blank between them
	public_key  BLOB,                    -- Ed25519: what commands are signed with
	private_key BLOB,                    -- sealed
	made        INTEGER NOT NULL,
	disabled    INTEGER
);
CREATE UNIQUE INDEX users_by_subject ON users (subject) WHERE subject <> '';

CREATE TABLE sessions (
	hash    BLOB PRIMARY KEY, -- SHA-256 of the cookie
	name    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
	made    INTEGER NOT NULL,
	expires INTEGER NOT NULL
);

CREATE TABLE enrolments (
	hash    BLOB PRIMARY KEY, -- SHA-256 of the one-time code
	kiosk   TEXT NOT NULL,
	grp     TEXT NOT NULL,
	name    TEXT NOT NULL,
	anew    INTEGER NOT NULL, -- 1: another card takes the machine's place, with a journal of its own
	by      TEXT NOT NULL,
	made    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	used    INTEGER,
	key     TEXT NOT NULL DEFAULT '' -- the NKey that used it
);

-- Keys that are shut out at the servers, for good.
CREATE TABLE revoked (
	key   TEXT PRIMARY KEY,
	kiosk TEXT NOT NULL,
	at    INTEGER NOT NULL,
	by    TEXT NOT NULL
);

-- What is wanted of a kiosk, a group or all; the newest version whose moment has come counts.
CREATE TABLE wanted (
	scope   TEXT NOT NULL CHECK (scope IN ('kiosk', 'group', 'all')),
	key     TEXT NOT NULL, -- the kiosk's id or the group's name; '' for all
	version INTEGER NOT NULL,
	doc     TEXT NOT NULL, -- JSON
	moment  INTEGER NOT NULL,
	by      TEXT NOT NULL,
	made    INTEGER NOT NULL,
	PRIMARY KEY (scope, key, version)
);

CREATE TABLE commands (
	id      TEXT PRIMARY KEY,
	kiosk   TEXT NOT NULL,
	what    TEXT NOT NULL,
	args    TEXT NOT NULL, -- JSON
	by      TEXT NOT NULL,
	signed  BLOB NOT NULL, -- the message with its signature, as it is sent
	made    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	sent    INTEGER,
	answered INTEGER,
	outcome TEXT NOT NULL DEFAULT ''
);
CREATE INDEX commands_of_kiosk ON commands (kiosk, made);

-- What the books say of a sale that Glase's report has otherwise, or not at all.
CREATE TABLE reconciliations (
	kiosk   TEXT NOT NULL,
	period  TEXT NOT NULL, -- of Glase's report
	sale    TEXT NOT NULL, -- '': the verdict on the period
	verdict TEXT NOT NULL,
	note    TEXT NOT NULL,
	made    INTEGER NOT NULL,
	PRIMARY KEY (kiosk, period, sale)
);

-- Each running hub counts its own row up. One that finds another number than its own knows that the database was
-- restored, and tells every kiosk what is there now.
CREATE TABLE pulse (
	hub  TEXT PRIMARY KEY,
	n    INTEGER NOT NULL,
	last INTEGER NOT NULL
);
