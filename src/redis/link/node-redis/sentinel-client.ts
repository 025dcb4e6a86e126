import type { RedisSentinelType } from '@redis/client';
import { expectAnswer } from '../../../time/answer-timer.js';
import { backOffMs } from '../../../time/back-off.js';
import type { Clock } from '../../../time/clock.js';
import type { ManagedClient, MessageListener } from '../managed-client.js';
import type { PingedConnection } from '../pings.js';

/** An attempt to connect that takes longer is given up: the other side may never answer. */
const ATTEMPT_MS = 20_000;
/** Nobody subscribes to it. The answer to `UNSUBSCRIBE` shows that the connection of the subscriptions is alive. */
const UNUSED_CHANNEL = 'nestjs-event-stream:ping';

/**
 * A client of a Redis behind sentinels, with `createSentinel()` of `@redis/client`. That client does not give access to its
 * connections, so one that is dead is replaced together with the whole client.
 */
export class SentinelClient implements ManagedClient {
  readonly address = 'The Redis behind the sentinels';
  readonly publishCommand = 'PUBLISH';
  private sentinel: RedisSentinelType;
  private readonly channels = new Map<string, MessageListener>();
  /** Rejects the commands that are under way. */
  private readonly pending = new Set<(why: Error) => void>();
  /** True if this client has the subscriptions of the one before. */
  private restored = false;
  private destroyed = false;
  private attempts = 0;
  private cancelTimer: (() => void) | undefined;
  private recovered: () => void = () => undefined;
  private failed: (cause?: unknown) => void = () => undefined;

  constructor(
    private readonly given: RedisSentinelType,
    private readonly clock: Clock,
  ) {
    this.sentinel = this.make();
  }

  observe(recovered: () => void, failed: (cause?: unknown) => void): void {
    this.recovered = recovered;
    this.failed = failed;
  }

  get isReady(): boolean {
    return this.restored && this.sentinel.isReady;
  }

  async connect(): Promise<void> {
    const { sentinel } = this;
    await sentinel.connect();
    // All have the listener of the link.
    const [listener] = this.channels.values();
    if (listener) await sentinel.subscribe([...this.channels.keys()], listener);
    this.restored = sentinel === this.sentinel;
  }

  /** Rejects if the client is replaced before the answer arrives. */
  send(_key: string, command: readonly string[]): Promise<unknown> {
    // The client would throw a TypeError.
    if (!this.restored) return Promise.reject(new Error('there is no connection to Redis'));
    return new Promise((resolve, reject) => {
      const answer = this.sentinel.sendCommand(false, [...command]);
      this.pending.add(reject);
      answer.then(resolve, reject).finally(() => this.pending.delete(reject));
    });
  }

  async subscribe(channels: readonly string[], listener: MessageListener): Promise<void> {
    const { sentinel } = this;
    await sentinel.subscribe([...channels], listener);
    if (sentinel !== this.sentinel) throw new Error('the connection to Redis was replaced');
    for (const channel of channels) this.channels.set(channel, listener);
  }

  async unsubscribe(channels: readonly string[], listener: MessageListener): Promise<void> {
    await this.sentinel.unsubscribe([...channels], listener as never);
    for (const channel of channels) this.channels.delete(channel);
  }

  connections(): readonly PingedConnection[] {
    const { sentinel } = this;
    if (!this.isReady) return [];
    const replace = (why: Error): void => this.replace(sentinel, why);
    const commands = { client: sentinel, ping: () => sentinel.sendCommand(false, ['PING']), replace };
    if (this.channels.size === 0) return [commands];
    const ping = (): Promise<unknown> => sentinel.unsubscribe([UNUSED_CHANNEL]);
    return [commands, { client: this.channels, ping, replace }];
  }

  destroy(): void {
    this.destroyed = true;
    this.cancelTimer?.();
    this.discard(this.sentinel, new Error('the connection to Redis is closed'));
  }

  private make(): RedisSentinelType {
    // Commands use one connection of the pool at a time. The others would not be pinged.
    const sentinel = this.given.duplicate({ masterPoolSize: 1, commandOptions: { timeout: 0 } });
    for (const event of ['ready', 'topology-change']) sentinel.on(event, () => this.recovered());
    sentinel.on('error', (error) => this.failed(error));
    return sentinel;
  }

  private replace(sentinel: RedisSentinelType, why: Error): void {
    if (this.destroyed || sentinel !== this.sentinel) return;
    this.restored = false;
    this.sentinel = this.make();
    this.discard(sentinel, why);
    this.reconnect();
  }

  private reconnect(): void {
    const { sentinel } = this;
    let isOver = false;
    const fail = (error: unknown): void => {
      if (isOver || this.destroyed) return;
      isOver = true;
      this.failed(error);
      this.cancelTimer?.();
      const again = (): void => this.replace(sentinel, error as Error);
      const timer = this.clock.schedule(again, backOffMs(this.attempts++));
      this.cancelTimer = () => this.clock.cancel(timer);
    };
    this.cancelTimer = expectAnswer(this.clock, ATTEMPT_MS, () =>
      fail(new Error(`no connection to Redis within ${ATTEMPT_MS} ms`)),
    );
    this.connect().then(() => {
      if (isOver || this.destroyed) return;
      isOver = true;
      this.cancelTimer?.();
      this.attempts = 0;
      this.recovered();
    }, fail);
  }

  private discard(sentinel: RedisSentinelType, why: Error): void {
    sentinel.removeAllListeners();
    // Without a listener, an error would be thrown.
    sentinel.on('error', () => undefined);
    Promise.resolve()
      .then(() => sentinel.destroy())
      .catch(() => undefined);
    for (const reject of this.pending) reject(why);
    this.pending.clear();
  }
}
