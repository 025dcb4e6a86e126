import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import type { RedisLink } from './redis-link.js';

const BATCH_SIZE = 1000;

/** Keeps the pub/sub subscriptions of a link as they are wanted. All changes of one turn are sent together. */
export class Subscriptions {
  private readonly wanted = new Set<string>();
  private readonly subscribed = new Set<string>();
  /** Channels for which `wanted` and `subscribed` may differ. */
  private readonly changed = new Set<string>();
  private running = false;
  private attempts = 0;

  constructor(
    private readonly link: RedisLink,
    private readonly clock: Clock,
    /** Called once these channels are subscribed. */
    private readonly onSubscribed: (channels: readonly string[]) => void,
  ) {}

  want(channel: string): void {
    this.wanted.add(channel);
    this.change(channel);
  }

  unwant(channel: string): void {
    this.wanted.delete(channel);
    this.change(channel);
  }

  /** Continues after the link has come up. */
  resume(): void {
    this.attempts = 0;
    if (this.changed.size > 0) this.run();
  }

  private change(channel: string): void {
    this.changed.add(channel);
    this.run();
  }

  private run(): void {
    if (this.running) return;
    this.running = true;
    this.clock.defer(() => {
      void this.synchronize().then((done) => {
        this.running = false;
        if (done && this.changed.size > 0 && this.link.up) this.run();
      });
    });
  }

  private async synchronize(): Promise<boolean> {
    while (this.changed.size > 0 && this.link.up) {
      const batch = [...this.changed].slice(0, BATCH_SIZE);
      const missing = batch.filter((channel) => this.wanted.has(channel) && !this.subscribed.has(channel));
      const unwanted = batch.filter((channel) => !this.wanted.has(channel) && this.subscribed.has(channel));
      for (const channel of batch) this.changed.delete(channel);
      try {
        if (missing.length > 0) await this.link.subscribe(missing);
        for (const channel of missing) this.subscribed.add(channel);
        if (missing.length > 0) this.onSubscribed(missing);
        if (unwanted.length > 0) await this.link.unsubscribe(unwanted);
        for (const channel of unwanted) this.subscribed.delete(channel);
      } catch {
        for (const channel of batch) this.changed.add(channel);
        this.retryLater();
        return false;
      }
    }
    return true;
  }

  /** Retries after a pause if Redis refused. A link that is down calls {@link resume} once it is up. */
  private retryLater(): void {
    if (this.link.up) this.clock.schedule(() => this.resume(), backOffMs(this.attempts++));
  }
}
