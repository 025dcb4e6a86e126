import type { Clock } from '../time/clock.js';

/** What {@link RunViewers} need to know about their run. */
export interface RunViewersInit {
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Counts the viewers in this process. */
  here(): number;
  /** Reads what other nodes have written. `false` if the log did not answer in time. */
  listen(): Promise<boolean>;
}

const CHECKS = 8;

/**
 * The viewers of a run: those in this process, which are counted, and those on other nodes, which announce themselves again
 * and again. Time in which the log could not carry such an announcement does not count as time without viewers.
 */
export class RunViewers {
  /** When each node was heard last. */
  private readonly elsewhere = new Map<string, number>();
  private timer: unknown;
  private stopped = false;
  private aloneSince: number;
  private audibleSince: number;

  constructor(private readonly init: RunViewersInit) {
    this.aloneSince = this.audibleSince = init.clock.now();
  }

  /** Calls `orphaned` once, when nobody has viewed the run for `orphanMs` from now on. */
  watch(orphanMs: number, orphaned: () => void): void {
    const { clock } = this.init;
    const stepMs = orphanMs / CHECKS;
    const dueMs = clock.now() + stepMs;
    this.timer = clock.schedule(() => {
      // This process was suspended, and perhaps all others with it.
      if (clock.now() - dueMs >= Math.max(stepMs, this.init.leaseMs)) this.restart();
      void this.check(orphanMs, orphaned);
    }, stepMs);
  }

  /** A node has viewers, or has none anymore. */
  hear(node: string, on: boolean): void {
    if (on) this.elsewhere.set(node, this.init.clock.now());
    else this.elsewhere.delete(node);
  }

  /** The log was unavailable until now: all silence starts anew. */
  restart(): void {
    this.aloneSince = this.audibleSince = this.init.clock.now();
  }

  /** The log answers in time: nodes that were silent for a lease are dead. */
  prune(): void {
    const now = this.init.clock.now();
    for (const [node, heardAt] of this.elsewhere) {
      if (!this.isAlive(heardAt, now)) this.elsewhere.delete(node);
    }
  }

  stop(): void {
    this.stopped = true;
    this.init.clock.cancel(this.timer);
  }

  private async check(orphanMs: number, orphaned: () => void): Promise<void> {
    // An announcement may have been written and not been read yet, so this looks before it decides.
    if (this.isOrphan(orphanMs) && !(await this.init.listen())) this.restart();
    if (this.stopped) return;
    if (this.isOrphan(orphanMs)) orphaned();
    else this.watch(orphanMs, orphaned);
  }

  private isOrphan(orphanMs: number): boolean {
    const now = this.init.clock.now();
    if (this.any(now)) this.aloneSince = now;
    return now - this.aloneSince >= orphanMs;
  }

  private any(now: number): boolean {
    if (this.init.here() > 0) return true;
    for (const heardAt of this.elsewhere.values()) {
      if (this.isAlive(heardAt, now)) return true;
    }
    return false;
  }

  private isAlive(heardAt: number, now: number): boolean {
    return now - Math.max(heardAt, this.audibleSince) < this.init.leaseMs;
  }
}
