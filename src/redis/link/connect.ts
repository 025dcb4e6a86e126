import type { RedisClusterType, RedisSentinelType } from '@redis/client';
import type { Clock } from '../../time/clock.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import { ClientLink } from './client-link.js';
import { ManagedLink, clusterClient, sentinelClient } from './managed-link.js';
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
  if ('duplicate' in given && 'masters' in given) {
    return new ManagedLink(clusterClient(given as RedisClusterType), events, clock);
  }
  if ('duplicate' in given && 'acquire' in given) {
    return new ManagedLink(sentinelClient(given as unknown as RedisSentinelType), events, clock);
  }
  if (isIoredis(given)) throw ioredis();
  if (!('duplicate' in given) && 'execute' in given) throw invalid(given);
  return new ClientLink(given, events, clock, pingMs);
}

// Clients of "@redis/client" have `isReady` even before they are connected.
function isIoredis(given: object): boolean {
  return 'duplicate' in given && !('isReady' in given) && 'status' in given;
}

function ioredis(): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    'The option "client" is a client of "ioredis", which is not supported.',
    {
      remedy:
        'Pass the URL of the Redis server, or what createClient() of the package "redis" or "@redis/client" returned.',
    },
  );
}

function invalid(given: unknown): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `The option "client" is not a valid Redis connection: ${quoted(given)}.`,
    {
      remedy:
        'Pass what createClient(), createCluster() or createSentinel() returned, client options, or a URL.',
    },
  );
}
