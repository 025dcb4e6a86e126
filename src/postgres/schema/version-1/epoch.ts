/** Functions for epochs, and for the state of the log. `$S` is the schema. */
export const EPOCH = `
-- sortableNumber() in cursor.ts
CREATE FUNCTION $S.sse_sortable_1(p_number bigint) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_digits text := '';
  v_rest bigint := p_number;
BEGIN
  LOOP
    v_digits := substr('0123456789abcdefghijklmnopqrstuvwxyz', (v_rest % 36)::int + 1, 1) || v_digits;
    v_rest := v_rest / 36;
    EXIT WHEN v_rest = 0;
  END LOOP;
  RETURN substr('0123456789abcdefghijklmnopqrstuvwxyz', length(v_digits) + 1, 1) || v_digits;
END $$;

-- When an epoch began, in microseconds; 0 for other text.
CREATE FUNCTION $S.sse_born_1(p_epoch text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_alphabet text := '0123456789abcdefghijklmnopqrstuvwxyz';
  v_length int := strpos(v_alphabet, substr(p_epoch, 1, 1)) - 1;
  v_born bigint := 0;
BEGIN
  IF p_epoch !~ '^[0-9a-c][0-9a-z]+$' THEN RETURN 0; END IF;
  FOR i IN 2 .. v_length + 1 LOOP
    v_born := v_born * 36 + strpos(v_alphabet, substr(p_epoch, i, 1)) - 1;
  END LOOP;
  RETURN v_born;
END $$;

-- The name of an epoch that begins now and sorts after another one.
CREATE FUNCTION $S.sse_epoch_after_1(p_epoch text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_us bigint := greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $S.sse_born_1(p_epoch) + 1);
BEGIN
  RETURN $S.sse_sortable_1(v_us) || right($S.sse_sortable_1((random() * 46655)::bigint + 46656), 3);
END $$;

-- The cluster and its timeline, as far as the server tells.
CREATE FUNCTION $S.sse_system_1() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_cluster text := '';
  v_timeline text := '';
BEGIN
  BEGIN
    SELECT system_identifier::text INTO v_cluster FROM pg_control_system();
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  BEGIN
    v_timeline := left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  RETURN v_cluster || '-' || v_timeline;
END $$;

-- When this server was started, as text. It changes with a restart and with a failover.
CREATE FUNCTION $S.sse_started_1() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT extract(epoch FROM pg_postmaster_start_time())::text
$$;

-- What a process must know before it uses the log. A new epoch begins if the cluster or timeline is another one than
-- before, or if events are gone that the process knows of. p_places: [channel, pos, token] of events that it knows.
CREATE FUNCTION $S.sse_open_1(p_epoch text, p_places text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_state $S.sse_state%ROWTYPE;
  v_system text;
  v_lost boolean;
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  v_system := $S.sse_system_1();
  SELECT * INTO v_state FROM $S.sse_state;
  v_lost := v_state.system <> v_system OR p_epoch COLLATE "C" > v_state.epoch OR $S.sse_lacks_1(p_epoch, p_places);
  IF v_lost THEN
    SELECT * INTO v_state FROM $S.sse_state FOR UPDATE;
    -- Another process may have begun the new epoch meanwhile.
    IF v_state.system <> v_system OR p_epoch COLLATE "C" > v_state.epoch OR $S.sse_lacks_1(p_epoch, p_places) THEN
      UPDATE $S.sse_state SET system = v_system, epoch = $S.sse_epoch_after_1(greatest(p_epoch COLLATE "C", epoch))
        RETURNING * INTO v_state;
    END IF;
  END IF;
  RETURN json_build_object(
    'log', v_state.log_id, 'epoch', v_state.epoch, 'started', $S.sse_started_1(), 'database', current_database());
END $$;

-- Whether one of these events of the current epoch is neither there nor evicted.
CREATE FUNCTION $S.sse_lacks_1(p_epoch text, p_places text) RETURNS boolean LANGUAGE sql AS $$
  SELECT EXISTS (
    SELECT FROM $S.sse_state s, json_array_elements(p_places::json) p
      LEFT JOIN $S.sse_channels c ON c.channel = p ->> 0
    WHERE s.epoch = p_epoch
      AND (p ->> 1)::bigint > coalesce(c.evicted_pos, s.forgotten_pos)
      AND NOT EXISTS (
        SELECT FROM $S.sse_events e
        WHERE e.channel = p ->> 0 AND e.pos = (p ->> 1)::bigint AND e.token = (p ->> 2)::bigint))
$$;
`;
