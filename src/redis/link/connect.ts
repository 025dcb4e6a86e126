import type { RedisClientType, RedisClusterType, RedisSentinelType } from '@redis/client';
import { withoutCredentials } from '../../checking/credentials.js';
import type { Clock } from '../../time/clock.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import { ClientLink } from './client-link.js';
import { ioredisClusterClient } from './ioredis/cluster-client.js';
import type { IoredisClient, IoredisCluster } from './ioredis/ioredis-types.js';
import { ioredisClients } from './ioredis/server-clients.js';
import { ManagedLink } from './managed-link.js';
import { clusterClient } from './node-redis/cluster-client.js';
import { SentinelClient } from './node-redis/sentinel-client.js';
import { nodeRedisClients } from './node-redis/server-clients.js';
import type { LinkEvents, RedisConnection, RedisLink } from './redis-link.js';

/**
 * Creates a link for the value of the `client` option. It does not connect yet.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if it is neither a client, nor options, nor a URL.
 */
export function createLink(
  connection: RedisConnection,
  events: LinkEvents,
  clock: Clock,
  pingMs: number | false,
): RedisLink {
  const given: unknown = typeof connection === 'string' ? { url: connection } : connection;
  if (typeof given !== 'object' || given === null) throw invalid(given);
  switch (kindOf(given)) {
    case 'cluster':
      return new ManagedLink(clusterClient(given as RedisClusterType), events, clock, pingMs);
    case 'sentinel':
      return new ManagedLink(new SentinelClient(given as RedisSentinelType, clock), events, clock, pingMs);
    case 'ioredis cluster':
      return new ManagedLink(ioredisClusterClient(given as IoredisCluster), events, clock, pingMs);
    case 'ioredis':
      return new ClientLink(ioredisClients(given as IoredisClient), events, clock, pingMs);
    case 'client or options':
      return new ClientLink(nodeRedisClients(given as RedisClientType), events, clock, pingMs);
    default:
      throw invalid(given);
  }
}

/** The kind of a value of the option; `undefined` if it is not valid. Not `instanceof`: the application may have its own copy of either package. */
function kindOf(given: object): string | undefined {
  if (!('duplicate' in given)) {
    if (['host', 'port', 'sentinels'].some((name) => name in given)) throw ioredisOptions();
    return 'execute' in given ? undefined : 'client or options';
  }
  if ('masters' in given) return 'cluster';
  if ('acquire' in given) return 'sentinel';
  // Clients of "@redis/client" have `isReady` even before they are connected.
  if ('isReady' in given) return 'client or options';
  if (!('call' in given && 'status' in given && 'options' in given)) return undefined;
  return 'slots' in given ? 'ioredis cluster' : 'ioredis';
}

function ioredisOptions(): SseError {
  return new SseError('SSE_INVALID_OPTIONS', 'The option "client" has options of "ioredis".', {
    remedy:
      'Pass a client: new Redis(options) of "ioredis". Options without a client belong to "@redis/client".',
  });
}

function invalid(given: unknown): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `The option "client" is not a valid Redis connection: ${quoted(withoutCredentials(given))}.`,
    {
      remedy:
        'Pass what createClient(), createCluster() or createSentinel() of "@redis/client" returned, a Redis or Cluster of "ioredis", ' +
        'client options, or a URL.',
    },
  );
}
