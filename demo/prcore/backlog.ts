import type { Plugin } from './prescriber.js';
import type { CaseEvent } from './event-log.js';

/** What to do next in a case. */
export interface Prescription {
  readonly id: number;
  readonly datetime: string;
  readonly type: 'NEXT_ACTIVITY';
  readonly output: string;
  readonly plugin: Plugin;
}

/** One event of a case, with what follows from it. */
export interface Entry {
  readonly id: number;
  readonly timestamp: string;
  readonly case_completed: boolean;
  readonly data: CaseEvent;
  /** Empty once the case is completed. */
  readonly prescriptions: readonly Prescription[];
}

interface Batch {
  readonly id: number;
  readonly entries: readonly Entry[];
}

/** More than this is not kept, of what waits and of what was sent: the oldest goes first. */
const MAX_ENTRIES = 10_000;

/**
 * What waits for a project's reader, delivered at least once. A batch that the stream did not take goes back; so does
 * what the latest reader was sent but, by the `Last-Event-ID` it comes back with, never saw. An entry keeps its id, so
 * a reader that got one twice can tell.
 */
export class Backlog {
  #waiting: Entry[] = [];
  #sent: Batch[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(entry: Entry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > MAX_ENTRIES) this.#waiting.shift();
  }

  /** Everything that waits, as the batch with that event id. */
  take(id: number): readonly Entry[] {
    const entries = this.#waiting;
    this.#waiting = [];
    this.#sent.push({ id, entries });
    if (this.#sent.length > MAX_ENTRIES) this.#sent.shift();
    return entries;
  }

  /** Takes back the batches that were sent after the event with that id. */
  returnAfter(id: number): void {
    const unseen = this.#sent.filter((batch) => batch.id > id);
    this.#sent = this.#sent.filter((batch) => batch.id <= id);
    this.#waiting = [...unseen.flatMap((batch) => batch.entries), ...this.#waiting].slice(-MAX_ENTRIES);
  }

  /** Forgets what was sent: from now on it counts for the next reader. */
  forgetSent(): void {
    this.#sent = [];
  }
}
