import { randomId } from '../../random-id.js';
import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import type { PostgresClient } from './postgres-client.js';

/** The reports of a {@link Listener}. */
export interface ListenerEvents {
  notification(payload: string): void;
  /** Notifications arrive from now on. Notifications that were sent before may have been missed. */
  listening(): void;
  /** Notifications do not arrive any more, or did not from the beginning. */
  deaf(why: unknown): void;
}

/** Time for a notification to itself. After that, the connection is taken to go through a pooler. */
const PROOF_MS = 2000;
const PROOF_AGAIN_MS = 30_000;
const PROOF = '?';

/** The connection of a process that receives notifications. It proves itself by a notification that it sends itself. */
export class Listener {
  isListening = false;
  private client: PostgresClient | undefined;
  private attempts = 0;
  private proof = '';
  private pings = 0;
  private readonly timers = new Set<unknown>();
  private closed = false;

  constructor(
    private readonly make: () => PostgresClient,
    private readonly name: string,
    /** Sends a notification over another connection. */
    private readonly notify: (payload: string) => Promise<unknown>,
    private readonly events: ListenerEvents,
    private readonly clock: Clock,
    private readonly pingMs: number | false,
  ) {}

  open(): void {
    if (this.closed) return;
    const client = this.make();
    this.client = client;
    let over = false;
    const fail = (why: unknown): void => {
      if (over) return;
      over = true;
      client.end().catch(() => undefined);
      if (this.client === client) this.lost(why);
    };
    client.on('error', fail);
    client.on('end', () => fail(new Error('the connection has ended')));
    client.on('notification', ({ payload = '' }: { payload?: string }) => this.hear(payload));
    client
      .connect()
      .then(async () => {
        if (this.closed) return fail(undefined);
        await client.query({ text: `LISTEN "${this.name}"`, values: [], rowMode: 'array' });
        this.prove();
        this.ping(client, fail);
      })
      .catch(fail);
  }

  close(): void {
    this.closed = true;
    this.isListening = false;
    for (const timer of this.timers) this.clock.cancel(timer);
    this.client?.end().catch(() => undefined);
  }

  private hear(payload: string): void {
    if (!payload.startsWith(PROOF)) return this.events.notification(payload);
    if (payload !== this.proof || this.isListening) return;
    this.isListening = true;
    this.attempts = 0;
    this.events.listening();
  }

  private prove(): void {
    const { client } = this;
    this.proof = PROOF + randomId(12);
    // A failure shows as a proof that does not arrive.
    this.notify(this.proof).catch(() => undefined);
    this.later(PROOF_MS, () => {
      if (this.client !== client || this.isListening) return;
      this.events.deaf(new Error('a notification was not delivered, as with a pooler in transaction mode'));
      this.later(PROOF_AGAIN_MS, () => {
        if (this.client === client && !this.isListening) this.prove();
      });
    });
  }

  /** A connection that died silently is only noticed by a query. */
  private ping(client: PostgresClient, fail: (error: unknown) => void): void {
    const { pingMs } = this;
    if (pingMs === false) return;
    this.later(pingMs, () => {
      if (this.client !== client) return;
      const ping = ++this.pings;
      let answered = false;
      client.query({ text: 'SELECT 1', values: [], rowMode: 'array' }).then(() => {
        answered = true;
        if (ping === this.pings) this.ping(client, fail);
      }, fail);
      this.later(pingMs, () => {
        this.clock.defer(() => answered || fail(new Error(`no answer within ${pingMs} ms`)));
      });
    });
  }

  private lost(error: unknown): void {
    if (this.closed) return;
    this.client = undefined;
    this.isListening = false;
    this.events.deaf(error);
    this.later(backOffMs(this.attempts++), () => this.open());
  }

  private later(ms: number, run: () => void): void {
    const timer: unknown = this.clock.schedule(() => {
      this.timers.delete(timer);
      if (!this.closed) run();
    }, ms);
    this.timers.add(timer);
  }
}
