import type { RedisClusterType, RedisSentinelType } from '@redis/client';
import type { Clock } from '../../time/clock.js';
import { backOffMs, type LinkEvents, type RedisLink } from './redis-link.js';

/** What a {@link ManagedLink} needs of a client that looks after several connections by itself. */
export interface ManagedClient {
  /** What it is a client of, for messages. */
  readonly address: string;
  readonly isReady: boolean;
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  /** The events that say that connections work again, and that they do not. */
  readonly good: readonly string[];
  readonly bad: readonly string[];
  on(event: string, listener: (cause?: unknown) => void): unknown;
  connect(): Promise<unknown>;
  send: RedisLink['send'];
  subscribe(channels: readonly string[], listener: (text: string, channel: string) => void): Promise<unknown>;
  unsubscribe(
    channels: readonly string[],
    listener: (text: string, channel: string) => void,
  ): Promise<unknown>;
  destroy(): unknown;
}

/** Longer than the pause between two attempts of the client: silence for so long means that it is well again. */
const SILENCE_MS = 3000;

/** A link over a client that replaces its connections and follows the topology by itself. */
export class ManagedLink implements RedisLink {
  readonly sweepMs = 5000;
  error: unknown;
  private readonly listener = (text: string, channel: string): void => this.events.message(channel, text);
  private attempts = 0;
  private waiting: unknown;
  private closed = false;

  constructor(
    private readonly client: ManagedClient,
    private readonly events: LinkEvents,
    private readonly clock: Clock,
  ) {
    for (const event of client.good) client.on(event, () => this.recovered());
    for (const event of client.bad) client.on(event, (cause) => this.failed(cause));
  }

  get up(): boolean {
    return this.client.isReady;
  }

  get address(): string {
    return this.client.address;
  }

  get publishCommand(): 'PUBLISH' | 'SPUBLISH' {
    return this.client.publishCommand;
  }

  open(): void {
    this.client.connect().then(
      () => (this.closed ? this.destroy() : this.recovered()),
      (error: unknown) => {
        this.failed(error);
        this.later(backOffMs(this.attempts++), () => this.open());
      },
    );
  }

  send(key: string, command: readonly string[]): Promise<unknown> {
    return this.client.send(key, command);
  }

  /** One after the other: they might be redirected one by one. */
  async inOrder(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    const answers: unknown[] = [];
    for (const command of commands) answers.push(await this.send(key, command));
    return answers;
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.client.subscribe(channels, this.listener);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.client.unsubscribe(channels, this.listener);
  }

  close(): void {
    this.closed = true;
    this.clock.cancel(this.waiting);
    this.destroy();
  }

  private destroy(): void {
    Promise.resolve()
      .then(() => this.client.destroy())
      .catch(() => undefined);
  }

  private recovered(): void {
    if (this.closed || !this.client.isReady) return;
    this.attempts = 0;
    this.error = undefined;
    this.events.up();
  }

  private failed(error: unknown): void {
    if (this.closed) return;
    this.error = error;
    this.events.down(error);
    if (this.client.isReady) this.later(SILENCE_MS, () => this.recovered());
  }

  private later(ms: number, run: () => void): void {
    this.clock.cancel(this.waiting);
    if (!this.closed) this.waiting = this.clock.schedule(run, ms);
  }
}

/** A Redis Cluster, 7 or later: announcements are sharded, so that no shard carries those of another. */
export function clusterClient(given: RedisClusterType): ManagedClient {
  const cluster = given.duplicate({ commandOptions: { timeout: 0 } });
  return {
    address: 'The Redis Cluster',
    publishCommand: 'SPUBLISH',
    good: ['node-ready'],
    bad: ['error', 'node-error', 'sharded-channel-moved-error'],
    get isReady() {
      return cluster.isReady;
    },
    on: (event, listener) => cluster.on(event, listener),
    connect: () => cluster.connect(),
    send: (key, command) => cluster.sendCommand(key, false, [...command]),
    // Channels of one command would have to be in one slot.
    subscribe: (channels, listener) =>
      Promise.all(channels.map((channel) => cluster.sSubscribe(channel, listener))),
    unsubscribe: (channels, listener) =>
      Promise.all(channels.map((channel) => cluster.sUnsubscribe(channel, listener))),
    destroy: () => cluster.destroy(),
  };
}

/** A Redis that sentinels watch over. */
export function sentinelClient(given: RedisSentinelType): ManagedClient {
  const sentinel = given.duplicate({ commandOptions: { timeout: 0 } });
  return {
    address: 'The Redis behind the sentinels',
    publishCommand: 'PUBLISH',
    good: ['ready', 'topology-change'],
    bad: ['error'],
    get isReady() {
      return sentinel.isReady;
    },
    on: (event, listener) => sentinel.on(event, listener),
    connect: () => sentinel.connect(),
    send: (_key, command) => sentinel.sendCommand(false, [...command]),
    subscribe: (channels, listener) => sentinel.subscribe([...channels], listener),
    unsubscribe: (channels, listener) => sentinel.unsubscribe([...channels], listener as never),
    destroy: () => sentinel.destroy(),
  };
}
