/**
 * Functions that append. `$S` is the schema, `$K` the number of its advisory locks.
 *
 * **Order.** A position is taken from a sequence while the transaction holds the lock of the channel, and PostgreSQL
 * releases the lock after the commit has become visible. So within a channel the order of positions is the order of
 * commits, and a reader that has seen a position has seen all before it. The locks are shared by the channels of one hash
 * value: 256 of them, whatever the number of channels, because the lock table of PostgreSQL is small.
 *
 * **No deadlock.** Each transaction takes its locks in the order of their numbers.
 *
 * **Once.** A process that lost the answer to a batch sets a fence under the locks of the batch, and looks for its token.
 * A first attempt that is delayed finds the fence once it gets the locks.
 */
export const APPEND = `
CREATE FUNCTION $S.sse_lock_1(p_channels text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock($K, s.bucket)
  FROM (SELECT DISTINCT hashtext(c) & 255 AS bucket FROM unnest(p_channels) c ORDER BY 1) s;
END $$;

-- compareEventIds() in event-ids.ts
CREATE FUNCTION $S.sse_compare_1(p_a text, p_b text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_a text := p_a;
  v_b text := p_b;
BEGIN
  IF v_a ~ '^[0-9]+$' AND v_b ~ '^[0-9]+$' THEN
    v_a := regexp_replace(v_a, '^0+(?=[0-9])', '');
    v_b := regexp_replace(v_b, '^0+(?=[0-9])', '');
    IF length(v_a) <> length(v_b) THEN RETURN sign(length(v_a) - length(v_b)); END IF;
  ELSIF length(v_a) <> length(v_b) THEN
    RETURN NULL;
  END IF;
  RETURN CASE WHEN v_a COLLATE "C" < v_b COLLATE "C" THEN -1 WHEN v_a = v_b THEN 0 ELSE 1 END;
END $$;

-- The last id that publishers gave to an event of a channel.
CREATE FUNCTION $S.sse_last_id_1(p_channel text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_id text;
BEGIN
  SELECT own_id INTO v_id FROM $S.sse_events
    WHERE channel = p_channel AND own_id IS NOT NULL ORDER BY pos DESC LIMIT 1;
  IF NOT FOUND THEN
    SELECT own_id INTO v_id FROM $S.sse_channels WHERE channel = p_channel;
  END IF;
  RETURN v_id;
END $$;

-- Which groups of records have ids out of order: [group, id, the id before it] of each. '' is no id.
CREATE FUNCTION $S.sse_disorder_1(p_channels text[], p_groups integer[], p_ids text[]) RETURNS json[]
LANGUAGE plpgsql AS $$
DECLARE
  v_found json[] := '{}';
  v_lasts jsonb := '{}';
  v_group integer := 0;
  v_last text;
  v_bad boolean := false;
  r record;
BEGIN
  FOR r IN SELECT i.g, i.id FROM unnest(p_groups, p_ids) WITH ORDINALITY i(g, id, n) ORDER BY i.n LOOP
    IF r.g <> v_group THEN
      IF v_group > 0 AND NOT v_bad AND v_last IS NOT NULL THEN
        v_lasts := v_lasts || jsonb_build_object(p_channels[v_group], v_last);
      END IF;
      v_group := r.g;
      v_bad := false;
      v_last := coalesce(v_lasts ->> p_channels[v_group], $S.sse_last_id_1(p_channels[v_group]));
    END IF;
    CONTINUE WHEN v_bad OR r.id = '';
    IF v_last IS NOT NULL AND coalesce($S.sse_compare_1(r.id, v_last), 0) <= 0 THEN
      v_bad := true;
      v_found := v_found || json_build_array(v_group, r.id, v_last);
    ELSE
      v_last := r.id;
    END IF;
  END LOOP;
  RETURN v_found;
END $$;

-- Appends a batch of one process. A group is one append: all of its records are stored, or none. p_groups has the number
-- of the group of each record, p_channels and p_keep_ms the channel and the lifetime of each group. p_ids is NULL if no
-- record has an id of its publisher.
CREATE FUNCTION $S.sse_append_1(
  p_writer text, p_batch bigint, p_token bigint, p_lock_ms integer, p_channels text[], p_keep_ms double precision[],
  p_groups integer[], p_headers text[], p_frames text[], p_ids text[], p_bytes integer[]
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_refused json[] := '{}';
  v_out integer[] := '{}';
  v_positions bigint[];
BEGIN
  PERFORM set_config('lock_timeout', p_lock_ms::text, true);
  PERFORM $S.sse_lock_1(p_channels);
  IF EXISTS (SELECT FROM $S.sse_fences f WHERE f.writer = p_writer AND f.batch >= p_batch) THEN
    RAISE EXCEPTION 'the process has given up this batch' USING ERRCODE = 'SSE01';
  END IF;
  IF p_ids IS NOT NULL THEN
    v_refused := $S.sse_disorder_1(p_channels, p_groups, p_ids);
    SELECT coalesce(array_agg((r ->> 0)::integer), '{}') INTO v_out FROM unnest(v_refused) r;
  END IF;
  WITH appended AS (
    INSERT INTO $S.sse_events (channel, pos, token, xid, expires, bytes, header, frame, own_id)
    SELECT p_channels[r.g], nextval('$S.sse_positions'), p_token, pg_current_xact_id(),
      clock_timestamp() + p_keep_ms[r.g] * interval '1 millisecond', r.bytes, r.header, r.frame, nullif(r.id, '')
    FROM unnest(p_groups, p_headers, p_frames, p_ids, p_bytes) WITH ORDINALITY r(g, header, frame, id, bytes, n)
    WHERE r.g <> ALL (v_out)
    ORDER BY r.n
    RETURNING pos
  )
  SELECT array_agg(pos ORDER BY pos) INTO v_positions FROM appended;
  RETURN json_build_object(
    'epoch', (SELECT epoch FROM $S.sse_state), 'started', $S.sse_started_1(),
    'refused', to_json(v_refused), 'positions', coalesce(to_json(v_positions), '[]'));
END $$;

-- What became of a batch whose answer was lost. From now on it cannot take effect any more. p_floors: what the process
-- knew of each channel before. Answers the positions found in each channel, and the channels that have evicted more.
CREATE FUNCTION $S.sse_resolve_1(
  p_writer text, p_batch bigint, p_token bigint, p_lock_ms integer, p_channels text[], p_floors bigint[]
) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', p_lock_ms::text, true);
  PERFORM $S.sse_lock_1(p_channels);
  INSERT INTO $S.sse_fences AS f (writer, batch, since) VALUES (p_writer, p_batch, clock_timestamp())
    ON CONFLICT (writer) DO UPDATE SET batch = greatest(f.batch, excluded.batch), since = excluded.since;
  RETURN json_build_object(
    'epoch', (SELECT epoch FROM $S.sse_state), 'started', $S.sse_started_1(),
    'found', (
      SELECT coalesce(json_object_agg(t.channel, t.positions), '{}') FROM (
        SELECT e.channel, json_agg(e.pos ORDER BY e.pos) AS positions
        FROM unnest(p_channels, p_floors) c(channel, floor)
        JOIN $S.sse_events e ON e.channel = c.channel AND e.pos > c.floor AND e.token = p_token
        GROUP BY e.channel) t),
    'evicted', (
      SELECT coalesce(json_agg(c.channel), '[]')
      FROM unnest(p_channels, p_floors) c(channel, floor)
      JOIN $S.sse_channels k ON k.channel = c.channel AND k.evicted_pos > c.floor));
END $$;
`;
