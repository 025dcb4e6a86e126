import type { LogPosition } from '../log/cursor.js';
import type { RunOutcome } from './run-outcome.js';

/**
 * The fields of every record in the control channel of a run. `run` is the random name of one start of the id. It is the fencing
 * token: records of other starts have no effect.
 */
interface RecordBase {
  readonly run: string;
  /** The position in the control channel up to which the writer had read. Added by `RunControl.append()`. */
  readonly after?: LogPosition;
}

/**
 * Claims an id. The first claim after the end of the run that it follows wins. So does a claim by a node that could not know of the
 * current run, because the log had evicted all records about it.
 */
interface ClaimRecord extends RecordBase {
  readonly is: 'claim';
  /** The run that had ended when the claim was written. Missing if the id was unknown. */
  readonly follows?: string | undefined;
  readonly node: string;
  /** The position before the first event of the run. */
  readonly from: LogPosition;
  /** True if the owner needs announcements of viewers on other nodes. */
  readonly orphans: boolean;
  /** The name of the node for administrators. */
  readonly host: string;
  /** When the run was started, in milliseconds since 1970 by the clock of its node. */
  readonly startedAt: number;
}

/** The owner is alive. This renews its lease and never takes an id. */
interface AliveRecord extends Omit<ClaimRecord, 'is' | 'follows'> {
  readonly is: 'alive';
}

/** Asks the owner to stop the run. */
interface StopRecord extends RecordBase {
  readonly is: 'stop';
}

/** A node has viewers (`on`), or has no viewers anymore. */
interface ViewingRecord extends RecordBase {
  readonly is: 'viewing';
  readonly node: string;
  readonly on: boolean;
}

/** The run has ended. The first such record decides the outcome. */
interface EndedRecord extends RecordBase {
  readonly is: 'ended';
  /** The node that wrote the record: the owner, or a node that has declared the run lost. */
  readonly node: string;
  readonly outcome: RunOutcome;
  readonly from: LogPosition;
  /** The position of the last event. The end marker follows it. */
  readonly at: LogPosition;
}

/** A record in the control channel of a run. */
export type RunRecord = ClaimRecord | AliveRecord | StopRecord | ViewingRecord | EndedRecord;

/** The run that has an id, or had it last. */
export type CurrentRun = Pick<ClaimRecord, 'run' | 'from'> &
  Partial<Pick<ClaimRecord, 'orphans' | 'host' | 'startedAt'>>;

/**
 * The state that follows from the records of a control channel. All nodes read the same records in the same order, so they reach
 * the same state. That makes the channel a lock.
 */
export class RunState {
  current: CurrentRun | undefined;
  /** The end of the current run. `undefined` while it is running. */
  ended: EndedRecord | undefined;
  /** True if a stop of the current run was requested. */
  stopWanted = false;
  /** The position of the last record that shows the current run, or its end, to a node that knows nothing yet. */
  private shownAt: LogPosition | undefined;

  /** True if the current run is still running. */
  get running(): boolean {
    return this.current !== undefined && this.ended === undefined;
  }

  /**
   * True if a record would be the first that determines the current run. Older records may have been evicted, so it needs proof
   * that it is not a late record of a run that was replaced.
   */
  needsProof({ is }: RunRecord): boolean {
    return this.current === undefined && (is === 'claim' || is === 'alive' || is === 'ended');
  }

  /** Clears the state, because records may have been missed. */
  reset(): void {
    this.current = this.ended = undefined;
    this.stopWanted = false;
  }

  /** Applies the next record, which is at this position. Returns `false` if the record has no effect. */
  apply(record: RunRecord, at: LogPosition): boolean {
    const hasEffect = this.accept(record);
    if (hasEffect && record.is !== 'stop' && record.is !== 'viewing') this.shownAt = at;
    return hasEffect;
  }

  private accept(record: RunRecord): boolean {
    const { current, ended } = this;
    const isCurrent = current?.run === record.run;
    switch (record.is) {
      case 'claim':
        if (isCurrent) return !ended;
        if (current && !(ended && record.follows === current.run) && !this.isForgotten(record)) return false;
        return this.begin(record);
      case 'alive':
        if (current) return isCurrent && !ended;
        return this.begin(record);
      case 'ended':
        if (current && (!isCurrent || ended)) return false;
        this.current ??= { run: record.run, from: record.from };
        this.ended = record;
        return true;
      case 'stop':
        if (isCurrent && !ended) this.stopWanted = true;
        return isCurrent;
      case 'viewing':
        return isCurrent;
    }
  }

  /** True if the writer of a claim had read the channel beyond the current run, and the log had evicted all records that show it. */
  private isForgotten({ after, follows }: ClaimRecord): boolean {
    const { current, shownAt } = this;
    // Positions sort as text.
    return after !== undefined && shownAt !== undefined && after >= shownAt && follows !== current?.run;
  }

  private begin({ run, from, orphans, host, startedAt }: ClaimRecord | AliveRecord): true {
    this.current = { run, from, orphans, host, startedAt };
    this.ended = undefined;
    this.stopWanted = false;
    return true;
  }
}

const KINDS: ReadonlySet<unknown> = new Set<RunRecord['is']>(['claim', 'alive', 'stop', 'viewing', 'ended']);

/** Parses the data of an event in a control channel. Returns `undefined` if it is not a valid record. */
export function parseRunRecord(text: unknown): RunRecord | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const record = JSON.parse(text) as Partial<RunRecord> | null;
    return KINDS.has(record?.is) && typeof record?.run === 'string' ? (record as RunRecord) : undefined;
  } catch {
    return undefined;
  }
}
