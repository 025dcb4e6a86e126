import type { Clock } from '../../time/clock.js';
import { backOffMs } from '../../time/back-off.js';

/**
 * Wakes the listeners of channels for which a read failed although the server is connected. A subscription reads again only
 * when its listener is called. While the server is unavailable this is not needed: the log wakes all listeners afterwards.
 */
export class FailedReads {
  private readonly channels = new Set<string>();
  /** Failures since the last read that succeeded. */
  private failures = 0;

  constructor(
    private readonly clock: Clock,
    private readonly wake: (channels: string[]) => void,
  ) {}

  /** Wakes the listeners of a channel after a pause. */
  add(channel: string): void {
    if (this.channels.size === 0) this.clock.schedule(() => this.retry(), backOffMs(this.failures++));
    this.channels.add(channel);
  }

  /** A read has succeeded, so the next pause is short again. */
  succeeded(): void {
    this.failures = 0;
  }

  private retry(): void {
    const channels = [...this.channels];
    this.channels.clear();
    this.wake(channels);
  }
}
