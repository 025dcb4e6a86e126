import type { Clock } from '../../time/clock.js';
import { Pings, type PingedConnection } from './pings.js';
import { replyCode } from './redis-errors.js';
import type { LinkEvents, RedisLink } from './redis-link.js';
import type { ServerClient, ServerClients } from './server-client.js';

/** A link to one Redis server, over two connections. */
export class ClientLink implements RedisLink {
  readonly publishCommand = 'PUBLISH';
  readonly sweepMs: number;
  readonly address: string;
  error: unknown;
  private readonly commands: ServerClient;
  private readonly subscriber: ServerClient;
  private readonly pings: Pings;
  private closed = false;

  constructor(
    clients: ServerClients,
    private readonly events: LinkEvents,
    clock: Clock,
    pingMs: number | false,
  ) {
    this.address = clients.address;
    this.sweepMs = clients.sweepMs;
    const make = (): ServerClient =>
      clients.make({
        ready: () => this.recovered(),
        failed: (error) => this.lost(error),
        message: (channel, text) => events.message(channel, text),
      });
    this.commands = make();
    this.subscriber = make();
    this.pings = new Pings(clock, pingMs, () => this.pinged());
  }

  private get clients(): readonly ServerClient[] {
    return [this.commands, this.subscriber];
  }

  get up(): boolean {
    return this.commands.isReady && this.subscriber.isReady;
  }

  open(): void {
    for (const client of this.clients) client.connect();
    this.pings.start();
  }

  async send(_key: string, command: readonly string[]): Promise<unknown> {
    try {
      return await this.commands.send(command);
    } catch (error) {
      // The server has become a replica. The same host name may lead to the new master.
      if (replyCode(error) === 'READONLY') for (const client of this.clients) this.replace(client, error);
      throw error;
    }
  }

  inOrder(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]> {
    // Not a transaction: a Redis without free memory refuses even one that only reads.
    return Promise.all(commands.map((command) => this.send(key, command)));
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.subscriber.subscribe(channels);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.subscriber.unsubscribe(channels);
  }

  close(): void {
    this.closed = true;
    this.pings.stop();
    for (const client of this.clients) client.destroy();
  }

  private recovered(): void {
    if (this.closed || !this.up) return;
    this.error = undefined;
    this.events.up();
  }

  private lost(error: unknown): void {
    if (this.closed) return;
    this.error = error;
    this.events.down(error);
  }

  private pinged(): PingedConnection[] {
    return this.clients
      .filter(({ isReady }) => isReady)
      .map((client) => ({
        client,
        ping: () => client.ping(),
        replace: (why) => this.replace(client, why),
      }));
  }

  private replace(client: ServerClient, why: unknown): void {
    if (this.closed || !client.isReady) return;
    client.destroy();
    this.lost(why);
    client.connect();
  }
}
