import type { EventLog } from '../../src/log/event-log.js';

/** A log whose answers to reads are fixed at once, as in a database, and arrive when a test says so. */
export class GatedLog {
  readonly log: EventLog;
  /** True while answers wait for {@link open}. */
  closed = false;
  /** Calls the listener of the last `watch()`. */
  announce: (changed: readonly string[]) => void = () => undefined;
  private gates: (() => void)[] = [];

  constructor(log: EventLog) {
    const { read, watch } = log;
    this.log = Object.assign(log, {
      read: async (...args: Parameters<EventLog['read']>) => {
        const answer = await read.apply(log, args);
        if (this.closed) await new Promise<void>((resolve) => this.gates.push(resolve));
        return answer;
      },
      watch: (...[names, listener]: Parameters<EventLog['watch']>) => {
        this.announce = listener;
        return watch.call(log, names, listener);
      },
    });
  }

  open(): void {
    this.closed = false;
    for (const resolve of this.gates.splice(0)) resolve();
  }
}
