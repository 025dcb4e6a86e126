/**
 * Functions of `postgresSlots()`. `$S` is the schema, `$K` the number of its advisory locks. The answers are the same as those of
 * the scripts for Redis.
 */
export const LEASES = `
CREATE FUNCTION $S.sse_lock_keys_1(p_keys text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock($K, s.bucket)
  FROM (SELECT DISTINCT 1024 + (hashtext(k) & 255) AS bucket FROM unnest(p_keys) k ORDER BY 1) s;
END $$;

-- Grants one lease for each key, or none at all.
CREATE FUNCTION $S.sse_grant_1(
  p_lease_ms double precision, p_keys text[], p_ids text[], p_max bigint[], p_replace boolean[]
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz;
  v_since bigint;
  v_evicted text[] := '{}';
  v_gone text[];
  v_held bigint;
BEGIN
  PERFORM $S.sse_lock_keys_1(p_keys);
  v_now := clock_timestamp();
  v_since := (extract(epoch FROM v_now) * 1000000)::bigint;
  FOR i IN 1 .. cardinality(p_keys) LOOP
    DELETE FROM $S.sse_leases WHERE key = p_keys[i] AND expires <= v_now;
    IF NOT p_replace[i] AND NOT EXISTS (SELECT FROM $S.sse_leases WHERE key = p_keys[i] AND id = p_ids[i]) THEN
      SELECT count(*) INTO v_held FROM $S.sse_leases WHERE key = p_keys[i];
      IF v_held >= p_max[i] THEN RETURN json_build_object('full', i - 1); END IF;
    END IF;
  END LOOP;
  FOR i IN 1 .. cardinality(p_keys) LOOP
    -- A lease that was renewed before this arrived needs no other to go.
    IF NOT EXISTS (SELECT FROM $S.sse_leases WHERE key = p_keys[i] AND id = p_ids[i]) THEN
      WITH gone AS (
        DELETE FROM $S.sse_leases WHERE key = p_keys[i] AND id IN (
          SELECT id FROM (
            SELECT id, since, row_number() OVER (ORDER BY since DESC, id DESC) AS n
            FROM $S.sse_leases WHERE key = p_keys[i]) t
          WHERE t.n >= p_max[i])
        RETURNING id, since)
      SELECT array_agg(id ORDER BY since, id) INTO v_gone FROM gone;
      v_evicted := v_evicted || coalesce(v_gone, '{}');
    END IF;
    INSERT INTO $S.sse_leases (key, id, since, expires)
    VALUES (p_keys[i], p_ids[i], v_since, v_now + p_lease_ms * interval '1 millisecond')
    ON CONFLICT (key, id) DO UPDATE SET since = excluded.since, expires = excluded.expires;
  END LOOP;
  RETURN json_build_object('since', v_since::text, 'evicted', to_json(v_evicted));
END $$;

-- Removes leases of one key and renews others. Those that are gone are granted once more if there is room. p_since: '' is now.
CREATE FUNCTION $S.sse_renew_1(
  p_lease_ms double precision, p_key text, p_max bigint, p_ids text[], p_since text[], p_released text[]
) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz;
  v_since bigint;
  v_evicted text[] := '{}';
  v_held bigint;
BEGIN
  PERFORM $S.sse_lock_keys_1(ARRAY[p_key]);
  v_now := clock_timestamp();
  v_since := (extract(epoch FROM v_now) * 1000000)::bigint;
  DELETE FROM $S.sse_leases WHERE key = p_key AND id = ANY (p_released);
  -- Late is not too late: nobody has taken the place of an expired lease that is still here.
  UPDATE $S.sse_leases SET expires = v_now + p_lease_ms * interval '1 millisecond'
    WHERE key = p_key AND id = ANY (p_ids);
  DELETE FROM $S.sse_leases WHERE key = p_key AND expires <= v_now;
  SELECT count(*) INTO v_held FROM $S.sse_leases WHERE key = p_key;
  FOR i IN 1 .. cardinality(p_ids) LOOP
    CONTINUE WHEN EXISTS (SELECT FROM $S.sse_leases WHERE key = p_key AND id = p_ids[i]);
    IF v_held < p_max THEN
      INSERT INTO $S.sse_leases (key, id, since, expires)
      VALUES (p_key, p_ids[i], coalesce(nullif(p_since[i], '')::bigint, v_since),
        v_now + p_lease_ms * interval '1 millisecond');
      v_held := v_held + 1;
    ELSE
      v_evicted := v_evicted || p_ids[i];
    END IF;
  END LOOP;
  RETURN json_build_object('now', v_since::text, 'evicted', to_json(v_evicted));
END $$;

CREATE FUNCTION $S.sse_release_1(p_keys text[], p_ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM $S.sse_lock_keys_1(p_keys);
  DELETE FROM $S.sse_leases l USING unnest(p_keys, p_ids) r(key, id) WHERE l.key = r.key AND l.id = r.id;
END $$;
`;
