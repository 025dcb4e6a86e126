/** Functions that evict. `$S` is the schema, `$K` the number of its advisory locks. Nobody waits for their locks. */
export const RETENTION = `
-- Removes the events of a channel up to a position, and remembers what went last.
CREATE FUNCTION $S.sse_evict_1(p_channel text, p_cut bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  WITH gone AS (
    DELETE FROM $S.sse_events WHERE channel = p_channel AND pos <= p_cut RETURNING pos, token, own_id
  ), newest AS (
    SELECT pos, token FROM gone ORDER BY pos DESC LIMIT 1
  ), own AS (
    SELECT pos, token, own_id FROM gone WHERE own_id IS NOT NULL ORDER BY pos DESC LIMIT 1
  ), remembered AS (
    INSERT INTO $S.sse_channels AS c (channel, evicted_pos, evicted_token, own_id, own_pos, own_token, touched)
    SELECT p_channel, n.pos, n.token, o.own_id, o.pos, o.token, clock_timestamp() FROM newest n LEFT JOIN own o ON true
    ON CONFLICT (channel) DO UPDATE SET
      evicted_pos = excluded.evicted_pos, evicted_token = excluded.evicted_token, touched = excluded.touched,
      own_id = coalesce(excluded.own_id, c.own_id), own_pos = coalesce(excluded.own_pos, c.own_pos),
      own_token = coalesce(excluded.own_token, c.own_token)
    WHERE excluded.evicted_pos > c.evicted_pos
  )
  SELECT count(*) INTO v_count FROM gone;
  RETURN v_count;
END $$;

-- Keeps the newest events of a channel. 0 is no limit.
CREATE FUNCTION $S.sse_trim_1(p_channel text, p_max_events bigint, p_max_bytes bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_cut bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock($K, 256 + (hashtext(p_channel) & 255)) THEN RETURN 0; END IF;
  SELECT t.pos INTO v_cut FROM (
    SELECT pos, row_number() OVER w AS n, sum(bytes) OVER w AS total
    FROM $S.sse_events WHERE channel = p_channel WINDOW w AS (ORDER BY pos DESC)) t
  WHERE (p_max_events > 0 AND t.n > p_max_events) OR (p_max_bytes > 0 AND t.total > p_max_bytes)
  ORDER BY t.pos DESC LIMIT 1;
  IF v_cut IS NULL THEN RETURN 0; END IF;
  RETURN $S.sse_evict_1(p_channel, v_cut);
END $$;

-- Removes events that have expired, up to a number of them. One process at a time; the others have nothing to do.
CREATE FUNCTION $S.sse_sweep_1(p_limit integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_count bigint := 0;
  r record;
BEGIN
  IF NOT pg_try_advisory_xact_lock($K, 512) THEN RETURN 0; END IF;
  FOR r IN SELECT t.channel, max(t.pos) AS cut FROM (
      SELECT channel, pos FROM $S.sse_events WHERE expires <= v_now ORDER BY expires LIMIT p_limit) t
    GROUP BY t.channel ORDER BY t.channel
  LOOP
    v_count := v_count + $S.sse_evict_1(r.channel, r.cut);
  END LOOP;
  RETURN v_count;
END $$;

-- Keeps channels that are watched from being forgotten.
CREATE FUNCTION $S.sse_touch_1(p_channels text[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO $S.sse_channels AS c (channel, evicted_pos, evicted_token, touched)
  SELECT n, s.forgotten_pos, 0, clock_timestamp() FROM $S.sse_state s, unnest(p_channels) n ORDER BY n
  ON CONFLICT (channel) DO UPDATE SET touched = excluded.touched
$$;

-- Forgets channels that have no events and were not touched for a while, and fences of processes that are long gone.
CREATE FUNCTION $S.sse_forget_1(p_forget_ms double precision, p_limit integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_before timestamptz := clock_timestamp() - p_forget_ms * interval '1 millisecond';
  v_count bigint;
  v_high bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock($K, 513) THEN RETURN 0; END IF;
  DELETE FROM $S.sse_fences WHERE since < clock_timestamp() - interval '1 hour';
  WITH gone AS (
    DELETE FROM $S.sse_channels WHERE channel IN (
      SELECT c.channel FROM $S.sse_channels c
      WHERE c.touched < v_before AND NOT EXISTS (SELECT FROM $S.sse_events e WHERE e.channel = c.channel)
      LIMIT p_limit)
    RETURNING evicted_pos
  )
  SELECT count(*), max(evicted_pos) INTO v_count, v_high FROM gone;
  IF v_count > 0 THEN
    UPDATE $S.sse_state SET forgotten_pos = v_high WHERE forgotten_pos < v_high;
  END IF;
  DELETE FROM $S.sse_snapshots s WHERE s.written < v_before
    AND NOT EXISTS (SELECT FROM $S.sse_channels c WHERE c.channel = s.channel)
    AND NOT EXISTS (SELECT FROM $S.sse_events e WHERE e.channel = s.channel);
  RETURN v_count;
END $$;
`;
