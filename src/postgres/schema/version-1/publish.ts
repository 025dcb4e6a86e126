/**
 * Publishing in the transaction of the application. `$S` is the schema, `$K` the number of its advisory locks.
 *
 * The records wait in `sse_outbox`, without a lock, until the transaction commits. A deferred trigger then takes the locks
 * of the channels, appends the records and removes them from the outbox. So the locks are held for the moment of the
 * commit alone, and a transaction that stays open for an hour delays nobody. Nothing is read under the snapshot of the
 * transaction, so it works the same in each isolation level, and causes no serialization failure.
 */
export const PUBLISH = `
-- Answers {"problem": text} without an error where it can, because an error would abort the transaction. All arguments are
-- text, so that each driver passes them alike. p_xid is the transaction as another statement has seen it.
CREATE FUNCTION $S.sse_publish_1(
  p_log text, p_database text, p_started text, p_xid text, p_channel text, p_token text, p_keep_ms text, p_records text
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_ids text[];
  v_disorder json[];
  v_buckets text := coalesce(current_setting('nestjs_event_stream.buckets', true), '');
  v_bucket text := format(' $K:%s ', hashtext(p_channel) & 255);
BEGIN
  IF p_log <> (SELECT log_id::text FROM $S.sse_state) OR p_database <> current_database() THEN
    RETURN '{"problem": "database"}';
  ELSIF p_started <> $S.sse_started_1() THEN
    RETURN '{"problem": "server"}';
  ELSIF p_xid <> pg_current_xact_id()::text THEN
    RETURN '{"problem": "transaction"}';
  END IF;
  SELECT array_agg(r ->> 2) INTO v_ids FROM json_array_elements(p_records::json) r;
  IF '' <> ANY (v_ids) THEN
    -- The last id of the channel would be that of the snapshot.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RETURN '{"problem": "isolation"}';
    END IF;
    v_disorder := $S.sse_disorder_1(ARRAY[p_channel], array_fill(1, ARRAY[cardinality(v_ids)]), v_ids);
    IF cardinality(v_disorder) > 0 THEN
      RETURN json_build_object('problem', 'order', 'id', v_disorder[1] ->> 1, 'last', v_disorder[1] ->> 2);
    END IF;
  END IF;
  INSERT INTO $S.sse_outbox (channel, token, keep_ms, headers, frames, ids, bytes)
  SELECT p_channel, p_token::bigint, nullif(p_keep_ms, '')::double precision, array_agg(r ->> 0), array_agg(r ->> 1), v_ids,
    array_agg((r ->> 3)::integer)
  FROM json_array_elements(p_records::json) r;
  IF strpos(v_buckets, v_bucket) = 0 THEN
    PERFORM set_config('nestjs_event_stream.buckets', v_buckets || v_bucket, true);
  END IF;
  RETURN '{}';
END $$;

CREATE FUNCTION $S.sse_commit_1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_disorder json[];
BEGIN
  -- All locks at once, also those of later rows, in the order of their numbers.
  IF coalesce(current_setting('nestjs_event_stream.buckets', true), '') <> '' THEN
    PERFORM pg_advisory_xact_lock(b.k, b.n) FROM (
      SELECT DISTINCT split_part(t, ':', 1)::integer AS k, split_part(t, ':', 2)::integer AS n
      FROM regexp_split_to_table(trim(current_setting('nestjs_event_stream.buckets')), ' +') t ORDER BY 1, 2) b;
    PERFORM set_config('nestjs_event_stream.buckets', '', true);
  END IF;
  PERFORM $S.sse_lock_1(ARRAY[NEW.channel]);
  IF '' <> ANY (NEW.ids) THEN
    v_disorder := $S.sse_disorder_1(ARRAY[NEW.channel], array_fill(1, ARRAY[cardinality(NEW.ids)]), NEW.ids);
    IF cardinality(v_disorder) > 0 THEN
      RAISE EXCEPTION 'The id "%" does not come after "%" in the channel "%".',
        v_disorder[1] ->> 1, v_disorder[1] ->> 2, NEW.channel USING ERRCODE = 'SSE02';
    END IF;
  END IF;
  INSERT INTO $S.sse_events (channel, pos, token, xid, expires, bytes, header, frame, own_id)
  SELECT NEW.channel, nextval('$S.sse_positions'), NEW.token, pg_current_xact_id(),
    clock_timestamp() + NEW.keep_ms * interval '1 millisecond', r.bytes, r.header, r.frame, nullif(r.id, '')
  FROM unnest(NEW.headers, NEW.frames, NEW.ids, NEW.bytes) WITH ORDINALITY r(header, frame, id, bytes, n)
  ORDER BY r.n;
  -- By its place: an index would be read under a predicate lock, and serializable transactions would fail for no reason.
  DELETE FROM $S.sse_outbox WHERE ctid = NEW.ctid;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER sse_commit AFTER INSERT ON $S.sse_outbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION $S.sse_commit_1();
`;
