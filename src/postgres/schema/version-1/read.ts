/** Functions that read. `$S` is the schema, `$K` the number of its advisory locks. */
export const READ = `
-- The end of a channel. If it has no events, the end is the newest position of all channels, provided that nobody is
-- appending: it is the latest that what comes next will follow, and stays valid for as long as possible.
CREATE FUNCTION $S.sse_tail_1(p_channel text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_pos bigint;
  v_token bigint;
  v_high bigint;
  v_called boolean;
BEGIN
  SELECT pos, token INTO v_pos, v_token FROM $S.sse_events WHERE channel = p_channel ORDER BY pos DESC LIMIT 1;
  IF NOT FOUND AND current_setting('transaction_isolation') = 'read committed'
    AND pg_try_advisory_xact_lock_shared($K, hashtext(p_channel) & 255) THEN
    SELECT last_value, is_called INTO v_high, v_called FROM $S.sse_positions;
    -- Once more: it may have been appended before the lock was free.
    SELECT pos, token INTO v_pos, v_token FROM $S.sse_events WHERE channel = p_channel ORDER BY pos DESC LIMIT 1;
  END IF;
  IF v_pos IS NULL THEN
    SELECT evicted_pos, evicted_token INTO v_pos, v_token FROM $S.sse_channels WHERE channel = p_channel;
    IF v_pos IS NULL THEN SELECT forgotten_pos INTO v_pos FROM $S.sse_state; END IF;
    IF v_called AND v_high > v_pos THEN
      v_pos := v_high;
      v_token := NULL;
    END IF;
  END IF;
  RETURN json_build_object('epoch', (SELECT epoch FROM $S.sse_state), 'started', $S.sse_started_1(),
    'pos', v_pos, 'token', v_token);
END $$;

-- The event with an id of its publisher, or the last one before it. NULL if it is unknown, or if ids on the way have no
-- order with it.
CREATE FUNCTION $S.sse_locate_1(p_channel text, p_id text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_newest boolean := true;
  v_order integer;
  r record;
BEGIN
  FOR r IN SELECT pos, token, own_id FROM $S.sse_events
    WHERE channel = p_channel AND own_id IS NOT NULL ORDER BY pos DESC
  LOOP
    v_order := $S.sse_compare_1(r.own_id, p_id);
    IF v_order IS NULL OR (v_newest AND v_order < 0) THEN RETURN NULL; END IF;
    IF v_order <= 0 THEN RETURN $S.sse_found_1(r.pos, r.token); END IF;
    v_newest := false;
  END LOOP;
  FOR r IN SELECT own_pos, own_token, own_id FROM $S.sse_channels WHERE channel = p_channel AND own_id IS NOT NULL LOOP
    v_order := $S.sse_compare_1(r.own_id, p_id);
    IF v_order IS NULL OR v_order > 0 OR (v_newest AND v_order < 0) THEN RETURN NULL; END IF;
    RETURN $S.sse_found_1(r.own_pos, r.own_token);
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION $S.sse_found_1(p_pos bigint, p_token bigint) RETURNS json LANGUAGE sql AS $$
  SELECT json_build_object('epoch', s.epoch, 'started', $S.sse_started_1(), 'pos', p_pos, 'token', p_token)
  FROM $S.sse_state s
$$;
`;
