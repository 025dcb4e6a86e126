import type { RedisClusterType, RedisSentinelType } from '@redis/client';
import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import type { LinkEvents, RedisLink } from './redis-link.js';

/** A cluster or sentinel client, as {@link ManagedLink} uses it. It manages several connections. */
export interface ManagedClient {
  /** The subject of messages: "… is not available". */
  readonly address: string;
  readonly isReady: boolean;
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  /** Events that mean that connections work again. */
  readonly recoveryEvents: readonly string[];
  /** Events that mean that a connection or a command has failed. */
  readonly failureEvents: readonly string[];
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

/** Longer than the pause between two attempts of the client. After this time without an error, it has recovered. */
const RECOVERY_MS = 3000;

/** A link over a client that replaces its connections and follows the topology. */
export class ManagedLink implements RedisLink {
  readonly sweepMs = 5000;
  error: unknown;
  private readonly listener = (text: string, channel: string): void => this.events.message(channel, text);
  private attempts = 0;
  private timer: unknown;
  private closed = false;

  constructor(
    private readonly client: ManagedClient,
    private readonly events: LinkEvents,
    private readonly clock: Clock,
  ) {
    for (const event of client.recoveryEvents) client.on(event, () => this.recovered());
    for (const event of client.failureEvents) client.on(event, (cause) => this.failed(cause));
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
        this.schedule(backOffMs(this.attempts++), () => this.open());
      },
    );
  }

  send(key: string, command: readonly string[]): Promise<unknown> {
    return this.client.send(key, command);
  }

  /** Sends one command after the other, because a cluster can redirect each of them. */
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
    this.clock.cancel(this.timer);
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
    if (this.client.isReady) this.schedule(RECOVERY_MS, () => this.recovered());
  }

  private schedule(ms: number, run: () => void): void {
    this.clock.cancel(this.timer);
    if (!this.closed) this.timer = this.clock.schedule(run, ms);
  }
}

/** A client of a Redis Cluster, version 7 or later. It uses sharded pub/sub, so a shard carries only its own announcements. */
export function clusterClient(given: RedisClusterType): ManagedClient {
  const cluster = given.duplicate({ commandOptions: { timeout: 0 } });
  return {
    address: 'The Redis Cluster',
    publishCommand: 'SPUBLISH',
    recoveryEvents: ['node-ready'],
    failureEvents: ['error', 'node-error', 'sharded-channel-moved-error'],
    get isReady() {
      return cluster.isReady;
    },
    on: (event, listener) => cluster.on(event, listener),
    connect: () => cluster.connect(),
    send: (key, command) => cluster.sendCommand(key, false, [...command]),
    // One SSUBSCRIBE command accepts only channels of the same hash slot.
    subscribe: (channels, listener) =>
      Promise.all(channels.map((channel) => cluster.sSubscribe(channel, listener))),
    unsubscribe: (channels, listener) =>
      Promise.all(channels.map((channel) => cluster.sUnsubscribe(channel, listener))),
    destroy: () => cluster.destroy(),
  };
}

/** A client of a Redis behind Sentinel. */
export function sentinelClient(given: RedisSentinelType): ManagedClient {
  const sentinel = given.duplicate({ commandOptions: { timeout: 0 } });
  return {
    address: 'The Redis behind the sentinels',
    publishCommand: 'PUBLISH',
    recoveryEvents: ['ready', 'topology-change'],
    failureEvents: ['error'],
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
