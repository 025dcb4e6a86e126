import type { LogPosition } from '../log/cursor.js';
import type { RunOutcome } from './run-outcome.js';

/** What is said about a run in its control channel. `run` tells one start of an id from the next. */
export type RunRecord =
  /** The claim to an id, and from then on the word of its owner that it lives. */
  | {
      readonly is: 'running';
      readonly run: string;
      readonly node: string;
      readonly from: LogPosition;
      readonly orphans: boolean;
    }
  /** Somebody wants it to stop. */
  | { readonly is: 'stop'; readonly run: string }
  /** A node has viewers, or none any more. */
  | { readonly is: 'viewing'; readonly run: string; readonly node: string; readonly on: boolean }
  /** It is over. Its events lie between `from` and the end marker after `at`. */
  | {
      readonly is: 'ended';
      readonly run: string;
      readonly outcome: RunOutcome;
      readonly from: LogPosition;
      readonly at: LogPosition;
    };

type Running = Extract<RunRecord, { is: 'running' }>;
type Ended = Extract<RunRecord, { is: 'ended' }>;

/** What a control channel says, read in its order: all nodes come to the same, and that makes the claim a lock. */
export class RunState {
  /** The run that has the id, or had it last. */
  current: (Pick<Running, 'run' | 'from'> & Partial<Running>) | undefined;
  ended: Ended | undefined;
  stopWanted = false;

  /** Takes the next record; `false` if it means nothing. */
  apply(record: RunRecord): boolean {
    const { current } = this;
    const isOurs = current?.run === record.run;
    switch (record.is) {
      case 'running':
        if (isOurs) return !this.ended;
        // An id that is taken: the claim came too late.
        if (current && !this.ended) return false;
        this.current = record;
        this.ended = undefined;
        this.stopWanted = false;
        return true;
      case 'ended':
        if (current && (!isOurs || this.ended)) return false;
        this.current ??= { run: record.run, from: record.from };
        this.ended = record;
        return true;
      case 'stop':
        if (isOurs) this.stopWanted = true;
        return isOurs;
      case 'viewing':
        return isOurs;
    }
  }

  /** Whether the id is taken. */
  get running(): boolean {
    return this.current !== undefined && this.ended === undefined;
  }
}

const KINDS: ReadonlySet<unknown> = new Set<RunRecord['is']>(['running', 'stop', 'viewing', 'ended']);

/** What stands in a control channel, or `undefined` if it is none of ours. */
export function parseRunRecord(text: unknown): RunRecord | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const record = JSON.parse(text) as Partial<RunRecord> | null;
    return KINDS.has(record?.is) && typeof record?.run === 'string' ? (record as RunRecord) : undefined;
  } catch {
    return undefined;
  }
}
