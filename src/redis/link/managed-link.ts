import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import type { ManagedClient } from './managed-client.js';
import { Pings } from './pings.js';
import type { LinkEvents, RedisLink } from './redis-link.js';
import { TOPOLOGY_SWEEP_MS } from './server-client.js';

/** Longer than the pause between two attempts of the client. After this time without an error, it has recovered. */
const RECOVERY_MS = 3000;

/** A link over a client that replaces its connections and follows the topology. */
export class ManagedLink implements RedisLink {
  readonly sweepMs = TOPOLOGY_SWEEP_MS;
  error: unknown;
  private readonly listener = (text: string, channel: string): void => this.events.message(channel, text);
  private readonly pings: Pings;
  private attempts = 0;
  private timer: unknown;
  private closed = false;

  constructor(
    private readonly client: ManagedClient,
    private readonly events: LinkEvents,
    private readonly clock: Clock,
    pingMs: number | false,
  ) {
    this.pings = new Pings(clock, pingMs, () => this.pinged());
    client.observe(
      () => this.recovered(),
      (cause) => this.failed(cause),
    );
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
    this.pings.start();
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
    this.pings.stop();
    this.destroy();
  }

  private pinged() {
    return this.client.connections().map(({ client, ping, replace }) => ({
      client,
      ping,
      replace: (why: Error) => {
        if (this.closed) return;
        replace(why);
        this.failed(why);
      },
    }));
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
