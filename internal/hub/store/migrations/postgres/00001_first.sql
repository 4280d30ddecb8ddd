-- Moments are milliseconds since 1970 by the clock of whoever is named with them; amounts are minor units (öre, cents)
-- of the currency beside them; texts that are JSON are kept as they came. The same tables are in ../sqlite.

-- +goose Up
CREATE TABLE groups (
	name TEXT PRIMARY KEY,
	note TEXT NOT NULL DEFAULT '',
	made BIGINT NOT NULL
);

-- One row for each card that ever was a machine. A replaced card begins a new one, and the old is retired.
CREATE TABLE machines (
	machine  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kiosk    TEXT NOT NULL,            -- its id: the token in its config
	name     TEXT NOT NULL DEFAULT '', -- for people
	grp      TEXT NOT NULL DEFAULT '', -- its group; '': none
	key      TEXT NOT NULL DEFAULT '', -- its NKey's public half; '': it was never enrolled here
	made     BIGINT NOT NULL,          -- by the hub's clock, as all that is not said otherwise
	retired  BIGINT,                   -- another card took its place
	-- where its journal stands here; together with the hash the proof of all that came before
	seq      BIGINT NOT NULL DEFAULT 0,
	hash     BYTEA,
	first    BIGINT NOT NULL DEFAULT 0, -- the oldest entry that is here without a gap up to seq; 0: none
	forked   BIGINT,                    -- another history came: nothing is written until a person decides
	taken    BIGINT,                    -- when its last entry was written here
	-- as its journal says
	stage    TEXT NOT NULL DEFAULT '',
	reason   TEXT NOT NULL DEFAULT '',
	stage_since BIGINT,                 -- when stage or reason last changed, by the machine's clock
	sale     TEXT NOT NULL DEFAULT '',  -- the one that is open
	currency TEXT NOT NULL DEFAULT '',
	-- as it says of itself
	seen      BIGINT,                   -- when something was last heard of it
	status    TEXT NOT NULL DEFAULT '', -- JSON: its last status
	status_at BIGINT,
	version   TEXT NOT NULL DEFAULT '', -- of its program
	run       TEXT NOT NULL DEFAULT '', -- of its process, and of the one before
	run_before TEXT NOT NULL DEFAULT '',
	run_since BIGINT
);
CREATE UNIQUE INDEX machines_in_use ON machines (kiosk) WHERE retired IS NULL;
CREATE INDEX machines_by_kiosk ON machines (kiosk);
CREATE INDEX machines_by_group ON machines (grp) WHERE retired IS NULL;

-- The journals' entries, byte for byte. That each is here once is held by machines.seq under the row's lock, and
-- within a month by the key.
CREATE TABLE entries (
	month   INTEGER NOT NULL, -- when it was written here: 202611
	machine BIGINT NOT NULL,
	seq     BIGINT NOT NULL,
	wall    BIGINT NOT NULL,  -- by the machine's clock
	whole   SMALLINT NOT NULL,
	event   TEXT NOT NULL,
	body    TEXT NOT NULL,
	before  TEXT NOT NULL,
	after   TEXT NOT NULL,
	prev    BYTEA NOT NULL,
	hash    BYTEA NOT NULL,
	taken   BIGINT NOT NULL,
	PRIMARY KEY (machine, seq, month)
) PARTITION BY LIST (month);

-- What follows from the entries, written with them.
CREATE TABLE sales (
	machine  BIGINT NOT NULL REFERENCES machines,
	sale     TEXT NOT NULL,
	first    BIGINT NOT NULL, -- its first entry
	last     BIGINT NOT NULL, -- the entry that last changed it
	flow     TEXT NOT NULL,
	state    TEXT NOT NULL,
	why      TEXT NOT NULL,
	note     TEXT NOT NULL,
	currency TEXT NOT NULL,
	reserved BIGINT NOT NULL,
	charged  BIGINT NOT NULL,
	refunded BIGINT NOT NULL,
	invoice  TEXT NOT NULL,   -- Glase's invoiceReference
	ers      TEXT NOT NULL,   -- Glase's ersReference
	started  BIGINT NOT NULL, -- by the machine's clock
	ended    BIGINT,          -- NULL while it is open
	taken    BIGINT NOT NULL, -- when its last change was written here
	PRIMARY KEY (machine, sale)
);
CREATE INDEX sales_by_time ON sales (started);
CREATE INDEX sales_by_end ON sales (ended);
CREATE INDEX sales_of_machine ON sales (machine, first);
CREATE INDEX sales_waiting ON sales (machine) WHERE state IN ('open', 'in_doubt', 'lost');
CREATE INDEX sales_by_invoice ON sales (invoice) WHERE invoice <> '';
CREATE INDEX sales_by_payment ON sales (ers) WHERE ers <> '';

CREATE TABLE items (
	machine BIGINT NOT NULL,
	sale    TEXT NOT NULL,
	n       BIGINT NOT NULL, -- from 1, in the order in which they were chosen
	slot    TEXT NOT NULL,
	name    TEXT NOT NULL,
	price   BIGINT NOT NULL,
	vat     BIGINT NOT NULL, -- whole percent of the price; 0: not declared
	outcome TEXT NOT NULL,
	charged SMALLINT NOT NULL, -- 1: it is to be paid for
	PRIMARY KEY (machine, sale, n),
	FOREIGN KEY (machine, sale) REFERENCES sales ON DELETE CASCADE
);

CREATE TABLE stock (
	machine  BIGINT NOT NULL REFERENCES machines,
	slot     TEXT NOT NULL,
	name     TEXT NOT NULL,
	price    BIGINT NOT NULL,
	currency TEXT NOT NULL,
	vat      BIGINT NOT NULL,
	remains  BIGINT NOT NULL,
	closed   TEXT NOT NULL,   -- why it sells nothing; '': it does
	since    BIGINT NOT NULL, -- when remains last changed, by the machine's clock
	PRIMARY KEY (machine, slot)
);

CREATE TABLE faults (
	id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	machine BIGINT NOT NULL REFERENCES machines,
	name    TEXT NOT NULL,
	slots   TEXT NOT NULL, -- with blanks between them; '': the machine
	hard    SMALLINT NOT NULL,
	note    TEXT NOT NULL,
	since   BIGINT NOT NULL, -- by the machine's clock
	until   BIGINT           -- NULL: it stands
);
CREATE UNIQUE INDEX faults_standing ON faults (machine, name, slots) WHERE until IS NULL;
CREATE INDEX faults_of_machine ON faults (machine, since);

-- What the collectors found, and a person must know of.
CREATE TABLE alarms (
	id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kiosk TEXT NOT NULL,
	kind  TEXT NOT NULL,
	note  TEXT NOT NULL,   -- of the last time
	since BIGINT NOT NULL,
	last  BIGINT NOT NULL,
	times BIGINT NOT NULL,
	ended BIGINT,          -- NULL: it stands
	by    TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alarms_standing ON alarms (kiosk, kind) WHERE ended IS NULL;

-- People.
CREATE TABLE users (
	name        TEXT PRIMARY KEY,
	role        TEXT NOT NULL CHECK (role IN ('look', 'operate', 'admin')),
	hash        TEXT NOT NULL DEFAULT '', -- argon2id of the password; '': signs in elsewhere
	subject     TEXT NOT NULL DEFAULT '', -- OpenID Connect: issuer and subject with a blank between them
	public_key  BYTEA,                    -- Ed25519: what commands are signed with
	private_key BYTEA,                    -- sealed
	made        BIGINT NOT NULL,
	disabled    BIGINT
);
CREATE UNIQUE INDEX users_by_subject ON users (subject) WHERE subject <> '';

CREATE TABLE sessions (
	hash    BYTEA PRIMARY KEY, -- SHA-256 of the cookie
	name    TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
	made    BIGINT NOT NULL,
	expires BIGINT NOT NULL
);

CREATE TABLE enrolments (
	hash    BYTEA PRIMARY KEY, -- SHA-256 of the one-time code
	kiosk   TEXT NOT NULL,
	grp     TEXT NOT NULL,
	name    TEXT NOT NULL,
	anew    SMALLINT NOT NULL, -- 1: another card takes the machine's place, with a journal of its own
	by      TEXT NOT NULL,
	made    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT,
	key     TEXT NOT NULL DEFAULT '' -- the NKey that used it
);

-- Keys that are shut out at the servers, for good.
CREATE TABLE revoked (
	key   TEXT PRIMARY KEY,
	kiosk TEXT NOT NULL,
	at    BIGINT NOT NULL,
	by    TEXT NOT NULL
);

-- What is wanted of a kiosk, a group or all; the newest version whose moment has come counts.
CREATE TABLE wanted (
	scope   TEXT NOT NULL CHECK (scope IN ('kiosk', 'group', 'all')),
	key     TEXT NOT NULL, -- the kiosk's id or the group's name; '' for all
	version BIGINT NOT NULL,
	doc     TEXT NOT NULL, -- JSON
	moment  BIGINT NOT NULL,
	by      TEXT NOT NULL,
	made    BIGINT NOT NULL,
	PRIMARY KEY (scope, key, version)
);

CREATE TABLE commands (
	id      TEXT PRIMARY KEY,
	kiosk   TEXT NOT NULL,
	what    TEXT NOT NULL,
	args    TEXT NOT NULL, -- JSON
	by      TEXT NOT NULL,
	signed  BYTEA NOT NULL, -- the message with its signature, as it is sent
	made    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	sent    BIGINT,
	answered BIGINT,
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
	made    BIGINT NOT NULL,
	PRIMARY KEY (kiosk, period, sale)
);

-- Each running hub counts its own row up. One that finds another number than its own knows that the database was
-- restored, and tells every kiosk what is there now.
CREATE TABLE pulse (
	hub  TEXT PRIMARY KEY,
	n    BIGINT NOT NULL,
	last BIGINT NOT NULL
);
