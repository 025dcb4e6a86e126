import {
  SERVER_SWEEP_MS,
  TOPOLOGY_SWEEP_MS,
  type ServerClient,
  type ServerClientEvents,
  type ServerClients,
} from '../server-client.js';
import { CONNECTION_OPTIONS } from './connection-options.js';
import { IoredisConnection } from './ioredis-connection.js';
import type { IoredisClient, IoredisOptions } from './ioredis-types.js';

const BATCH_SIZE = 1000;

/** Makes connections like a `Redis` of `ioredis`: to one server, or to the master that sentinels name. */
export function ioredisClients(given: IoredisClient): ServerClients {
  const hasSentinels = Boolean(given.options.sentinels);
  const options = {
    ...CONNECTION_OPTIONS,
    // The check asks for the role of the server, which a sentinel can report too late. It needs the right to send INFO.
    ...(!hasSentinels && { enableReadyCheck: false }),
  };
  return {
    address: addressOf(given.options),
    sweepMs: hasSentinels ? TOPOLOGY_SWEEP_MS : SERVER_SWEEP_MS,
    make: (events) => new IoredisServerClient(() => given.duplicate(options), events),
  };
}

class IoredisServerClient implements ServerClient {
  private readonly connection: IoredisConnection;
  private readonly channels = new Set<string>();

  constructor(make: () => IoredisClient, events: ServerClientEvents) {
    this.connection = new IoredisConnection(make, {
      made: (client) =>
        void client.on('message', (channel: string, text: string) => events.message(channel, text)),
      connected: (client) =>
        inBatches([...this.channels], (channels) => client.call('subscribe', ...channels)),
      ready: () => events.ready(),
      failed: (error) => events.failed(error),
    });
  }

  get isReady(): boolean {
    return this.connection.isReady;
  }

  connect(): void {
    this.connection.connect();
  }

  send([command = '', ...args]: readonly string[]): Promise<unknown> {
    // In lower case, in which all versions of ioredis know them.
    return this.connection.call(command.toLowerCase(), ...args);
  }

  ping(): Promise<unknown> {
    return this.connection.call('ping');
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await inBatches(channels, (batch) => this.connection.call('subscribe', ...batch));
    for (const channel of channels) this.channels.add(channel);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await inBatches(channels, (batch) => this.connection.call('unsubscribe', ...batch));
    for (const channel of channels) this.channels.delete(channel);
  }

  destroy(): void {
    this.connection.destroy();
  }
}

/** Calls `send` with parts of these channels, because the number of arguments of a function is limited. */
function inBatches(
  channels: readonly string[],
  send: (batch: readonly string[]) => Promise<unknown>,
): Promise<unknown> {
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < channels.length; i += BATCH_SIZE) sent.push(send(channels.slice(i, i + BATCH_SIZE)));
  return Promise.all(sent);
}

function addressOf({ sentinels, path, host = 'localhost', port = 6379 }: IoredisOptions): string {
  return sentinels ? 'The Redis behind the sentinels' : `Redis at ${path ?? `${host}:${port}`}`;
}
