import type {
  EventLog,
  LogHealth,
  LogListener,
  LogSlice,
  LogSnapshots,
  ReadLimit,
} from '../../src/log/event-log.js';
import type { LogRecord } from '../../src/log/log-record.js';
import { SseError } from '../../src/errors/sse.errors.js';

/**
 * A log behind a network: every answer and every call of a listener arrives some turns of the loop later, requests of
 * one node in order. It can be cut off.
 */
export class DelayedLog implements EventLog {
  private readonly listeners = new Set<() => void>();
  private requests: Promise<unknown> = Promise.resolve();
  private seed: number;
  private down = false;
  /** Number of reads of the log behind it. */
  reads = 0;

  readonly snapshots: LogSnapshots | undefined;

  constructor(
    private readonly log: EventLog,
    seed: number,
  ) {
    this.seed = seed;
    const { snapshots } = log;
    if (!snapshots) return;
    this.snapshots = {
      read: (channel, fold) => this.request(() => snapshots.read(channel, fold)),
      position: (channel, fold) => this.request(() => snapshots.position(channel, fold)),
      write: (channel, fold, snapshot, replaces) =>
        this.request(() => snapshots.write(channel, fold, snapshot, replaces)),
    };
  }

  append(channel: string, records: readonly LogRecord[]): Promise<readonly string[]> {
    return this.request(() => this.log.append(channel, records));
  }

  read(channel: string, after: string | undefined, limit: ReadLimit): Promise<LogSlice> {
    this.reads++;
    return this.request(() => this.log.read(channel, after, limit));
  }

  tail(channel: string): Promise<string> {
    return this.request(() => this.log.tail(channel));
  }

  locate(channel: string, id: string): Promise<string | undefined> {
    return this.request(() => this.log.locate(channel, id));
  }

  watch(channels: readonly string[], listener: LogListener): () => void {
    let active = true;
    const tell = async (changed: readonly string[]): Promise<void> => {
      await this.delay();
      if (active && !this.down) listener(changed);
    };
    const unwatch = this.log.watch(channels, (changed) => void tell(changed));
    // Without this call, entries that were appended before the watch took effect would be missed.
    void tell(channels);
    const again = (): void => void tell(channels);
    this.listeners.add(again);
    return () => {
      active = false;
      this.listeners.delete(again);
      unwatch();
    };
  }

  health(): LogHealth {
    return this.down ? { status: 'down', error: unreachable() } : this.log.health();
  }

  close(): Promise<void> {
    return this.request(() => this.log.close());
  }

  /** From now on no message gets through, including answers that are under way. */
  cut(): void {
    this.down = true;
  }

  /** All messages get through again. */
  mend(): void {
    this.down = false;
    for (const again of this.listeners) again();
  }

  private request<V>(ask: () => V | Promise<V>): Promise<V> {
    const answer = this.requests.then(async () => {
      await this.delay();
      if (this.down) throw unreachable();
      const value = await ask();
      await this.delay();
      if (this.down) throw unreachable();
      return value;
    });
    this.requests = answer.catch(() => undefined);
    return answer;
  }

  private async delay(): Promise<void> {
    this.seed = (Math.imul(this.seed, 1103515245) + 12345) >>> 0;
    const turns = (this.seed >>> 16) % 3;
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
  }
}

function unreachable(): SseError {
  return new SseError('SSE_LOG_UNAVAILABLE', 'The wire is cut.');
}
