import type { Clock } from '../time/clock.js';

/** Who views a run: here, which is counted, and on other nodes, which say so again and again. */
export class RunViewers {
  private readonly elsewhere = new Map<string, number>();
  private timer: unknown;
  private aloneSince: number;

  constructor(
    private readonly clock: Clock,
    private readonly here: () => number,
    /** A node that has not said so for as long has no viewers, or is dead. */
    private readonly leaseMs: number,
  ) {
    this.aloneSince = clock.now();
  }

  /** Calls `orphaned` once when nobody has viewed the run for so long, from now on. */
  watch(orphanMs: number, orphaned: () => void): void {
    const stepMs = orphanMs / CHECKS;
    this.timer = this.clock.schedule(() => {
      const now = this.clock.now();
      if (this.any(now)) this.aloneSince = now;
      if (now - this.aloneSince >= orphanMs) orphaned();
      else this.watch(orphanMs, orphaned);
    }, stepMs);
  }

  /** A node says that it has viewers, or none any more. */
  hear(node: string, on: boolean): void {
    if (on) this.elsewhere.set(node, this.clock.now());
    else this.elsewhere.delete(node);
  }

  stop(): void {
    this.clock.cancel(this.timer);
  }

  private any(now: number): boolean {
    for (const [node, heard] of this.elsewhere) {
      if (now - heard >= this.leaseMs) this.elsewhere.delete(node);
    }
    return this.elsewhere.size > 0 || this.here() > 0;
  }
}

const CHECKS = 8;
