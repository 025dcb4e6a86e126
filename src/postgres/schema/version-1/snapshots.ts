/** Functions for the states of folds. `$S` is the schema. */
export const SNAPSHOTS = `
-- Stores the state of a fold in place of the one at p_replaces. NULL means that no state is stored, or one of an earlier epoch.
-- Returns whether it was stored.
CREATE FUNCTION $S.sse_snapshot_1(
  p_channel text, p_fold text, p_epoch text, p_position text, p_replaces text, p_state text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_count integer;
BEGIN
  IF p_epoch <> (SELECT epoch FROM $S.sse_state) THEN RETURN false; END IF;
  IF p_replaces IS NULL THEN
    INSERT INTO $S.sse_snapshots AS s (channel, fold, epoch, position, state, written)
    VALUES (p_channel, p_fold, p_epoch, p_position, p_state, clock_timestamp())
    ON CONFLICT (channel, fold) DO UPDATE SET
      epoch = excluded.epoch, position = excluded.position, state = excluded.state, written = excluded.written
    WHERE s.epoch < excluded.epoch;
  ELSE
    UPDATE $S.sse_snapshots SET position = p_position, state = p_state, written = clock_timestamp()
    WHERE channel = p_channel AND fold = p_fold AND epoch = p_epoch AND position = p_replaces
      AND position < p_position COLLATE "C";
  END IF;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count > 0;
END $$;
`;
