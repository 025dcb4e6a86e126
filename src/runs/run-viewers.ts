import type { Clock } from '../time/clock.js';

/** The settings and callbacks of {@link RunViewers}. */
export interface RunViewersInit {
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Counts the viewers in this process. */
  here(): number;
  /** Reads the records of other nodes. `false` if the log did not answer in time. */
  listen(): Promise<boolean>;
}

const CHECKS = 8;

/**
 * The viewers of a run. Those in this process are counted. Other nodes announce theirs repeatedly. Time in which the log could not
 * deliver an announcement does not count as time without viewers.
 */
export class RunViewers {
  /** The time of the last announcement of each node. */
  private readonly elsewhere = new Map<string, number>();
  private timer: unknown;
  private stopped = false;
  private aloneSince: number;
  private answeredSince: number;

  constructor(private readonly init: RunViewersInit) {
    this.aloneSince = this.answeredSince = init.clock.now();
  }

  /** Calls `orphaned` once, when the run has had no viewers for `orphanMs`, beginning now. */
  watch(orphanMs: number, orphaned: () => void): void {
    const { clock } = this.init;
    const stepMs = orphanMs / CHECKS;
    const dueMs = clock.now() + stepMs;
    this.timer = clock.schedule(() => {
      // This process was suspended, perhaps together with all others.
      if (clock.now() - dueMs >= Math.max(stepMs, this.init.leaseMs)) this.restart();
      void this.check(orphanMs, orphaned);
    }, stepMs);
  }

  /** Takes an announcement: a node has viewers (`on`), or has no viewers anymore. */
  onViewing(node: string, on: boolean): void {
    if (on) this.elsewhere.set(node, this.init.clock.now());
    else this.elsewhere.delete(node);
  }

  /** Starts all times again, because the log was unavailable until now. */
  restart(): void {
    this.aloneSince = this.answeredSince = this.init.clock.now();
  }

  /** Removes nodes without an announcement for a lease. Called while the log answers in time. */
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
    // An announcement may not have been read yet, so the records are read before the decision.
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
    return now - Math.max(heardAt, this.answeredSince) < this.init.leaseMs;
  }
}
