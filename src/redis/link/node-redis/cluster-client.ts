import type { RedisClientType, RedisClusterType } from '@redis/client';
import type { ManagedClient } from '../managed-client.js';
import type { PingedConnection } from '../pings.js';

/** A client of a Redis Cluster, version 7 or later. It uses sharded pub/sub, so a shard carries only its own announcements. */
export function clusterClient(given: RedisClusterType): ManagedClient {
  const cluster = given.duplicate({ commandOptions: { timeout: 0 } });
  return {
    address: 'The Redis Cluster',
    publishCommand: 'SPUBLISH',
    observe(recovered, failed) {
      cluster.on('node-ready', () => recovered());
      for (const event of ['error', 'node-error', 'sharded-channel-moved-error']) cluster.on(event, failed);
    },
    get isReady() {
      return cluster.isReady;
    },
    connect: () => cluster.connect(),
    send: (key, command) => cluster.sendCommand(key, false, [...command]),
    // One SSUBSCRIBE command accepts only channels of the same hash slot.
    subscribe: (channels, listener) =>
      Promise.all(channels.map((channel) => cluster.sSubscribe(channel, listener))),
    unsubscribe: (channels, listener) =>
      Promise.all(channels.map((channel) => cluster.sUnsubscribe(channel, listener))),
    connections: () =>
      cluster.masters.flatMap(({ client, pubSub }) =>
        [client, pubSub?.client]
          .filter((each) => each?.isReady)
          .map((each) => pinged(each as RedisClientType)),
      ),
    destroy: () => cluster.destroy(),
  };
}

function pinged(client: RedisClientType): PingedConnection {
  return {
    client,
    ping: () => client.ping(),
    replace() {
      client.destroy();
      // The client retries until it is connected, and restores its subscriptions.
      client.connect().catch(() => undefined);
    },
  };
}
