import { backOffMs } from '../../../time/back-off.js';
import type { ManagedClient, MessageListener } from '../managed-client.js';
import { CONNECTION_OPTIONS } from './connection-options.js';
import type { IoredisClient, IoredisCluster } from './ioredis-types.js';
import { ShardSubscriptions } from './shard-subscriptions.js';

/** Runs a command without a key on the shard of a key. `ioredis` sends it to any shard. */
const RUN = 'return redis.call(unpack(ARGV))';

const CLUSTER_OPTIONS = {
  lazyConnect: true,
  keyPrefix: '',
  scaleReads: 'master',
  // Needed while the connection to a shard is made. Without any node, the library does not send.
  enableOfflineQueue: true,
  enableReadyCheck: false,
  enableAutoPipelining: false,
  showFriendlyErrorStack: false,
  shardedSubscribers: false,
  scripts: undefined,
  himportFieldsets: undefined,
  clusterRetryStrategy: (attempts: number) => backOffMs(attempts - 1),
  clusterNodeRetryStrategy: undefined,
  // A command whose answer was lost is not sent again.
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
} as const;

/** A client of a Redis Cluster, version 7 or later, which uses sharded pub/sub. */
export function ioredisClusterClient(given: IoredisCluster): ManagedClient {
  const cluster = given.duplicate([], {
    ...CLUSTER_OPTIONS,
    redisOptions: { ...given.options.redisOptions, ...CONNECTION_OPTIONS, enableReadyCheck: false },
  });
  let listener: MessageListener = () => undefined;
  let report = { recovered: () => undefined as void, failed: (_cause: unknown) => undefined as void };
  const subscriptions = new ShardSubscriptions(cluster, {
    message: (channel, text) => listener(text, channel),
    recovered: () => report.recovered(),
    failed: (error) => report.failed(error),
  });
  return {
    address: 'The Redis Cluster',
    publishCommand: 'SPUBLISH',
    get isReady() {
      return cluster.status === 'ready';
    },
    observe(recovered, failed) {
      report = { recovered, failed };
      cluster.on('ready', recovered);
      cluster.on('error', failed);
      cluster.on('node error', failed);
      cluster.on('-node', (node: IoredisClient) => {
        // A node that has left the cluster is not a failure.
        if (isMaster(cluster, node)) failed(new Error(`the connection to ${nameOf(node)} was closed`));
      });
    },
    connect() {
      // The cluster continues to connect, and reports each failure.
      cluster.connect().catch(() => undefined);
      return Promise.resolve();
    },
    async send(key, [command = '', ...args]) {
      if (cluster.status !== 'ready') throw new Error('the Redis Cluster is not connected');
      if (command === 'TIME') return cluster.call('eval', RUN, '1', key, command);
      return cluster.call(command.toLowerCase(), ...args);
    },
    subscribe(channels, to) {
      listener = to;
      return Promise.all(channels.map((channel) => subscriptions.subscribe(channel)));
    },
    unsubscribe: (channels) => Promise.all(channels.map((channel) => subscriptions.unsubscribe(channel))),
    connections: () => [
      ...cluster
        .nodes()
        .filter((node) => node.status === 'ready' && isMaster(cluster, node))
        .map((node) => ({
          client: node,
          ping: () => node.call('ping'),
          replace() {
            node.disconnect();
            cluster.refreshSlotsCache();
          },
        })),
      ...subscriptions.connections(),
    ],
    destroy() {
      subscriptions.close();
      cluster.disconnect();
    },
  };
}

function isMaster(cluster: IoredisCluster, node: IoredisClient): boolean {
  return cluster.slots.some((nodes) => nodes?.[0] === nameOf(node));
}

function nameOf({ options: { host = '127.0.0.1', port = 6379 } }: IoredisClient): string {
  return `${host}:${port}`;
}
