import type { Clock } from '../../time/clock.js';
import { backOffMs, type RedisLink } from './redis-link.js';

const AT_ONCE = 1000;

/** Keeps the pub/sub subscriptions of a link as they are wanted; changes of one turn go out together. */
export class Subscriptions {
  private readonly wanted = new Set<string>();
  private readonly held = new Set<string>();
  /** What may differ between the two. */
  private readonly changed = new Set<string>();
  private working = false;
  private attempts = 0;

  constructor(
    private readonly link: RedisLink,
    private readonly clock: Clock,
    /** Told when messages on these channels come from now on. */
    private readonly begun: (channels: readonly string[]) => void,
  ) {}

  want(channel: string): void {
    this.wanted.add(channel);
    this.change(channel);
  }

  unwant(channel: string): void {
    this.wanted.delete(channel);
    this.change(channel);
  }

  /** Goes on after the link came up. */
  resume(): void {
    this.attempts = 0;
    if (this.changed.size > 0) this.work();
  }

  private change(channel: string): void {
    this.changed.add(channel);
    this.work();
  }

  private work(): void {
    if (this.working) return;
    this.working = true;
    this.clock.defer(() => {
      void this.settle().then((settled) => {
        this.working = false;
        if (settled && this.changed.size > 0 && this.link.up) this.work();
      });
    });
  }

  private async settle(): Promise<boolean> {
    while (this.changed.size > 0 && this.link.up) {
      const batch = [...this.changed].slice(0, AT_ONCE);
      const missing = batch.filter((channel) => this.wanted.has(channel) && !this.held.has(channel));
      const spare = batch.filter((channel) => !this.wanted.has(channel) && this.held.has(channel));
      for (const channel of batch) this.changed.delete(channel);
      try {
        if (missing.length > 0) await this.link.subscribe(missing);
        for (const channel of missing) this.held.add(channel);
        if (missing.length > 0) this.begun(missing);
        if (spare.length > 0) await this.link.unsubscribe(spare);
        for (const channel of spare) this.held.delete(channel);
      } catch {
        for (const channel of batch) this.changed.add(channel);
        this.later();
        return false;
      }
    }
    return true;
  }

  /** A link that is down resumes by itself; one that is up and refused is asked again. */
  private later(): void {
    if (this.link.up) this.clock.schedule(() => this.resume(), backOffMs(this.attempts++));
  }
}
