import type { RedisClusterType, RedisSentinelType } from '@redis/client';
import type { Clock } from '../../time/clock.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import { ClientLink } from './client-link.js';
import { ManagedLink, clusterClient, sentinelClient } from './managed-link.js';
import type { LinkEvents, RedisConnection, RedisLink } from './redis-link.js';

/**
 * A link to what the `client` option names. Nothing is connected yet.
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
  if (!('duplicate' in given) && 'execute' in given) throw invalid(given);
  return new ClientLink(given, events, clock, pingMs);
}

function invalid(given: unknown): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `The option client: ${quoted(given)} is no way to Redis.`, {
    remedy:
      'Give what createClient(), createCluster() or createSentinel() returned, client options, or a URL.',
  });
}
