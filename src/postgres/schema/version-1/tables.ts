/**
 * The tables. `$S` is the schema.
 *
 * A position of an event is a number of one sequence, and its token. The numbers of a channel grow, but have holes.
 * An append updates no row. A transaction that stays open for long, here or elsewhere in the database, therefore leaves no
 * dead rows behind that later appends would have to pass.
 */
export const TABLES = `
-- One row. "system" names the database cluster and its timeline: another one has taken over if it differs.
CREATE TABLE $S.sse_state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  log_id uuid NOT NULL DEFAULT gen_random_uuid(),
  version integer NOT NULL,
  -- The oldest version of the library's schema whose code works with these tables.
  compatible integer NOT NULL,
  epoch text COLLATE "C" NOT NULL,
  system text NOT NULL,
  -- Up to this position, channels without a row in sse_channels may have lost events.
  forgotten_pos bigint NOT NULL DEFAULT 0
);

CREATE SEQUENCE $S.sse_positions;

CREATE TABLE $S.sse_events (
  channel text COLLATE "C" NOT NULL,
  pos bigint NOT NULL,
  -- Random, the same for all events of a batch. It tells apart two events that had the same pos in two histories.
  token bigint NOT NULL,
  xid xid8 NOT NULL,
  -- NULL: no limit by age.
  expires timestamptz,
  bytes integer NOT NULL,
  header text NOT NULL,
  frame text NOT NULL,
  own_id text COLLATE "C",
  PRIMARY KEY (channel, pos)
) WITH (
  autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.1,
  autovacuum_vacuum_cost_delay = 0
);
-- Which channels have changed since a snapshot.
CREATE INDEX sse_events_xid ON $S.sse_events (xid);
CREATE INDEX sse_events_expires ON $S.sse_events (expires) WHERE expires IS NOT NULL;
CREATE INDEX sse_events_own_id ON $S.sse_events (channel, pos) WHERE own_id IS NOT NULL;

-- What a channel remembers of events that were evicted: the last of them, and the last with an id of its publisher.
CREATE TABLE $S.sse_channels (
  channel text COLLATE "C" PRIMARY KEY,
  evicted_pos bigint NOT NULL,
  evicted_token bigint NOT NULL,
  own_id text COLLATE "C",
  own_pos bigint,
  own_token bigint,
  touched timestamptz NOT NULL
);

-- The states of folds. Each is forgotten with its channel.
CREATE TABLE $S.sse_snapshots (
  channel text COLLATE "C" NOT NULL,
  fold text COLLATE "C" NOT NULL,
  epoch text COLLATE "C" NOT NULL,
  position text COLLATE "C" NOT NULL,
  state text NOT NULL,
  written timestamptz NOT NULL,
  PRIMARY KEY (channel, fold)
);

-- Batches up to this number of a process that lost its connection must not be appended any more.
CREATE TABLE $S.sse_fences (
  writer text COLLATE "C" PRIMARY KEY,
  batch bigint NOT NULL,
  since timestamptz NOT NULL
);

-- What was published in a transaction, until it commits. Rows never outlive their transaction, so the table is unlogged.
CREATE UNLOGGED TABLE $S.sse_outbox (
  channel text COLLATE "C" NOT NULL,
  token bigint NOT NULL,
  keep_ms double precision,
  headers text[] NOT NULL,
  frames text[] NOT NULL,
  ids text[] NOT NULL,
  bytes integer[] NOT NULL
);

-- Slots of postgresSlots(). After a crash it is empty, and each process registers its leases again.
CREATE UNLOGGED TABLE $S.sse_leases (
  key text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  since bigint NOT NULL,
  expires timestamptz NOT NULL,
  PRIMARY KEY (key, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 500);
`;
