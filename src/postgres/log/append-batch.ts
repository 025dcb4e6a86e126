import type { LogRecord } from '../../log/log-record.js';
import type { PendingAppend } from '../../log/remote/pending-append.js';
import type { Bounds } from '../../log/retention.js';
import { encodeHeader } from '../../log/remote/stored-record.js';
import { encodeFrame } from './frame.js';
import { randomToken, type Place } from './place.js';

/** Appends that are sent as one statement. */
export class AppendBatch {
  readonly token = randomToken();

  constructor(
    /** Grows with each batch of a process. */
    readonly number: number,
    readonly appends: readonly PendingAppend[],
    /** The known state of each channel when the batch was made. */
    readonly floors: ReadonlyMap<string, number>,
    readonly isAlone: boolean,
  ) {}

  get channels(): readonly string[] {
    return [...this.floors.keys()];
  }

  /** The arguments of `sse_append_1()`. */
  args(writer: string, lockMs: number, bounds: (channel: string) => Bounds): unknown[] {
    const keepMs = this.appends.map(({ channel }) => bounds(channel).maxAgeMs || null);
    const records = this.appends.flatMap((append) => append.records);
    const groups = this.appends.flatMap((append, i) => append.records.map(() => i + 1));
    return [
      writer,
      this.number,
      this.token,
      lockMs,
      this.appends.map(({ channel }) => channel),
      keepMs,
      groups,
      records.map(encodeHeader),
      records.map(({ frame }) => encodeFrame(frame)),
      records.some(({ id }) => id !== undefined) ? records.map(({ id }) => id ?? '') : null,
      records.map(({ bytes }) => bytes),
    ];
  }

  /**
   * The places of each append among those of the batch; `undefined` for an append that is not in it. `refused` has the
   * indexes of the appends whose ids are out of order.
   */
  places(positions: readonly number[], refused: ReadonlySet<number>): (readonly Place[] | undefined)[] {
    let at = 0;
    return this.appends.map(({ records }, i) => {
      if (refused.has(i)) return undefined;
      at += records.length;
      return positions.slice(at - records.length, at).map((pos) => ({ pos, token: this.token }));
    });
  }

  /**
   * The places of each append after a lost answer. `found` has the numbers that were found in each channel. If they are not
   * as many as there should be, nobody knows which.
   */
  placesFound(found: ReadonlyMap<string, readonly number[]>): (readonly Place[] | undefined)[] {
    const rest = new Map<string, number[]>();
    for (const channel of this.channels) {
      const positions = found.get(channel) ?? [];
      if (positions.length === this.recordsOf(channel)) rest.set(channel, [...positions]);
    }
    return this.appends.map(({ channel, records }) =>
      rest
        .get(channel)
        ?.splice(0, records.length)
        .map((pos) => ({ pos, token: this.token })),
    );
  }

  private recordsOf(channel: string): number {
    return this.appends.reduce(
      (sum, append) => sum + (append.channel === channel ? append.records.length : 0),
      0,
    );
  }
}

/** The bytes of some records. */
export function sizeOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes, 0);
}
