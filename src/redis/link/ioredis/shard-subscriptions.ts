import { backOffMs } from '../../../time/back-off.js';
import { systemClock } from '../../../time/clock.js';
import { clusterSlot } from '../cluster-slot.js';
import type { PingedConnection } from '../pings.js';
import { CONNECTION_OPTIONS } from './connection-options.js';
import { IoredisConnection } from './ioredis-connection.js';
import type { IoredisClient, IoredisCluster } from './ioredis-types.js';

/** Callbacks of {@link ShardSubscriptions}. */
export interface ShardSubscriptionEvents {
  message(channel: string, text: string): void;
  /** All channels are subscribed again. Messages may have been missed before. */
  recovered(): void;
  /** Some channels are not subscribed at the moment. */
  failed(error: unknown): void;
}

/**
 * The sharded subscriptions of one cluster, over one connection for each shard. `ioredis` has them only in some versions, and
 * does not report if subscribing again fails.
 */
export class ShardSubscriptions {
  /** The connections by the address of the shard. */
  private readonly shards = new Map<string, IoredisConnection>();
  /** The shard that has confirmed each channel; `undefined` while the channel has to be subscribed again. */
  private readonly channels = new Map<string, IoredisConnection | undefined>();
  private restoring = false;
  private attempts = 0;
  private timer: unknown;
  private closed = false;

  constructor(
    private readonly cluster: IoredisCluster,
    private readonly events: ShardSubscriptionEvents,
  ) {
    cluster.on('refresh', () => this.follow());
  }

  /** Resolves when the shard of this channel has confirmed the subscription. */
  async subscribe(channel: string): Promise<void> {
    if (!this.channels.get(channel)) this.channels.set(channel, await this.place(channel));
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.channels.get(channel)?.call('sunsubscribe', channel);
    this.channels.delete(channel);
  }

  /** The connections that are ready. */
  connections(): PingedConnection[] {
    return [...this.shards.values()]
      .filter(({ isReady }) => isReady)
      .map((shard) => ({
        client: shard,
        ping: () => shard.call('ping'),
        replace: () => shard.replace(),
      }));
  }

  close(): void {
    this.closed = true;
    systemClock.cancel(this.timer);
    for (const shard of this.shards.values()) shard.destroy();
  }

  /** Follows a change of the topology. */
  private follow(): void {
    const masters = new Set(this.cluster.slots.map((nodes) => nodes?.[0]));
    for (const [address, shard] of this.shards) {
      if (masters.has(address)) continue;
      this.shards.delete(address);
      this.lose(shard);
      shard.destroy();
    }
    for (const [channel, shard] of this.channels) {
      if (shard === undefined || shard === this.shards.get(this.master(channel) ?? '')) continue;
      this.channels.set(channel, undefined);
      shard.call('sunsubscribe', channel).catch(() => undefined);
    }
    this.restore();
  }

  /** Notes that the channels of a shard have to be subscribed again. */
  private lose(lost: IoredisConnection): void {
    for (const [channel, shard] of this.channels) if (shard === lost) this.channels.set(channel, undefined);
  }

  /** Subscribes again to all channels that a shard has lost, until it succeeds. */
  private restore(): void {
    const missing = [...this.channels.keys()].filter((channel) => !this.channels.get(channel));
    if (missing.length === 0 || this.restoring || this.closed) return;
    this.restoring = true;
    systemClock.cancel(this.timer);
    void Promise.allSettled(missing.map((channel) => this.placeAgain(channel))).then((results) => {
      this.restoring = false;
      if (this.closed) return;
      const failure = results.find(({ status }) => status === 'rejected');
      if (failure) {
        this.events.failed((failure as PromiseRejectedResult).reason);
        this.timer = systemClock.schedule(() => this.restore(), backOffMs(this.attempts++));
        return;
      }
      this.attempts = 0;
      this.events.recovered();
      this.restore();
    });
  }

  private async placeAgain(channel: string): Promise<void> {
    const shard = await this.place(channel);
    if (this.channels.has(channel)) this.channels.set(channel, shard);
    else await shard.call('sunsubscribe', channel);
  }

  private async place(channel: string): Promise<IoredisConnection> {
    try {
      const shard = this.shardOf(channel);
      await shard.settled();
      await shard.call('ssubscribe', channel);
      return shard;
    } catch (error) {
      // The slot may have moved, or another node may be its master now.
      this.cluster.refreshSlotsCache();
      throw error;
    }
  }

  private master(channel: string): string | undefined {
    return this.cluster.slots[clusterSlot(channel)]?.[0];
  }

  private shardOf(channel: string): IoredisConnection {
    const address = this.master(channel);
    if (address === undefined) throw new Error(`no shard of the Redis Cluster has the slot of "${channel}"`);
    let shard = this.shards.get(address);
    if (!shard) {
      shard = this.connect(address);
      this.shards.set(address, shard);
    }
    return shard;
  }

  private connect(address: string): IoredisConnection {
    const colon = address.lastIndexOf(':');
    const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
    const make = (): IoredisClient => {
      const [node] = this.cluster.nodes();
      if (!node) throw new Error('no node of the Redis Cluster is known');
      return node.duplicate({ ...CONNECTION_OPTIONS, enableReadyCheck: false, host, port });
    };
    const shard = new IoredisConnection(make, {
      made: (client) => {
        client.on('smessage', (channel: string, text: string) => this.events.message(channel, text));
        // The shard has ended a subscription, because the slot of the channel has moved.
        client.on('moved', () => {
          this.lose(shard);
          this.cluster.refreshSlotsCache();
          this.restore();
        });
      },
      connected: () => undefined,
      ready: () => this.restore(),
      failed: (error) => {
        this.lose(shard);
        this.cluster.refreshSlotsCache();
        this.events.failed(error);
      },
    });
    shard.connect();
    return shard;
  }
}
