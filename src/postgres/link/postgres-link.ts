import { backOffMs } from '../../time/back-off.js';
import type { Clock } from '../../time/clock.js';
import { Listener } from './listener.js';
import { clientFactory, type PostgresConnection, type Query } from './postgres-client.js';
import { NoAnswerError, explained, isOutage, sqlState } from './postgres-errors.js';
import { Sessions } from './sessions.js';

/** The reports of a {@link PostgresLink}. */
export interface LinkEvents {
  /**
   * Prepares the use of the server, for the first time or again. The link is up once this has resolved. Resolves with when the
   * server was started, which is another time for another server.
   */
  prepare(query: Query): Promise<string>;
  /** Statements work, for the first time or again, or another server executes them. */
  up(): void;
  /** An attempt to connect or to prepare has failed, or the server does not answer. */
  down(error: unknown): void;
  notification(payload: string): void;
  /** Notifications arrive from now on. Notifications that were sent before may have been missed. */
  listening(): void;
  /** Notifications do not arrive. */
  deaf(why: unknown): void;
}

/** Settings of a {@link PostgresLink}. */
export interface LinkSettings {
  readonly client: PostgresConnection;
  readonly listen: PostgresConnection | false | undefined;
  /** The name under which notifications are sent. At most 63 bytes. */
  readonly notifications: string;
  readonly maxConnections: number;
  readonly pingMs: number | false;
  readonly clock: Clock;
}

/** A connection attempt is given up after this time if `pingMs` is `false`. */
const CONNECT_MS = 5000;

/** The connections of one log, or of one slot store. Connections that are lost are replaced, with growing pauses. */
export class PostgresLink {
  /** True if statements can be expected to work. */
  up = false;
  /** Why the link is down. */
  error: unknown;
  /** Where the server is, for messages, without credentials. */
  readonly address: string;
  /** Where notifications come from. */
  readonly listenAddress: string;
  /** How long a statement may wait for a lock, in milliseconds. Less than the time after which a connection is replaced. */
  readonly lockMs: number;
  private readonly clock: Clock;
  private readonly notificationName: string;
  private readonly sessions: Sessions;
  private readonly listener: Listener | undefined;
  private preparing: Promise<void> | undefined;
  /** When the server was started. */
  private started = '';
  private attempts = 0;
  private timer: unknown;
  private opened = false;
  private closed = false;

  constructor(
    { client, listen, notifications, maxConnections, pingMs, clock }: LinkSettings,
    private readonly events: LinkEvents,
  ) {
    this.clock = clock;
    const timeoutMs = pingMs || CONNECT_MS;
    const { address, connectMs, make } = clientFactory('client', client, timeoutMs);
    this.address = address;
    this.lockMs = Math.min(Math.ceil(timeoutMs / 2), 1000);
    this.sessions = new Sessions(make, maxConnections, clock, pingMs, connectMs);
    this.notificationName = notifications;
    this.listenAddress = address;
    if (listen === false) return;
    const listeners = clientFactory('listen', listen ?? client, timeoutMs);
    this.listenAddress = listeners.address;
    const notify = (payload: string): Promise<unknown> => this.notify([payload]);
    this.listener = new Listener(
      listeners,
      this.notificationName,
      notify,
      this.listenerEvents(),
      clock,
      pingMs,
    );
  }

  /** True if notifications arrive. */
  get isListening(): boolean {
    return this.listener?.isListening ?? false;
  }

  open(): void {
    this.attempt();
  }

  /** Runs one statement. Rejects at once with a reason if the server cannot be reached. */
  readonly query: Query = async (text, values = []) => {
    try {
      return await this.sessions.query(text, values);
    } catch (error) {
      if (isOutage(error)) this.suspect(error);
      throw explained(error);
    }
  };

  /** Sends notifications, which arrive together. */
  notify(payloads: readonly string[]): Promise<unknown> {
    const text = 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload';
    return this.query(text, [this.notificationName, payloads]);
  }

  /** Something was wrong: finds out whether the server can still be used. */
  suspect(error: unknown): void {
    if (this.closed) return;
    // Another server may have taken over.
    if (sqlState(error) === '25006') this.sessions.reset(error);
    if (error instanceof NoAnswerError) this.lost(error);
    if (this.timer === undefined) this.attempt();
  }

  close(): void {
    this.closed = true;
    this.up = false;
    this.clock.cancel(this.timer);
    this.listener?.close();
    this.sessions.close();
  }

  /** Prepares again, as after a reconnect. If that fails, the link is down, and this rejects. */
  refresh(): Promise<void> {
    this.preparing ??= this.prepare().then(
      (started) => {
        this.preparing = undefined;
        if (!this.closed) this.recovered(started);
      },
      (error: unknown) => {
        this.preparing = undefined;
        if (!this.closed) this.failed(explained(error));
        throw error;
      },
    );
    return this.preparing;
  }

  private attempt(): void {
    if (!this.closed) this.refresh().catch(() => undefined);
  }

  private failed(error: unknown): void {
    this.lost(error);
    this.clock.cancel(this.timer);
    this.timer = this.clock.schedule(() => {
      this.timer = undefined;
      this.attempt();
    }, backOffMs(this.attempts++));
  }

  private async prepare(): Promise<string> {
    const { sessions } = this;
    const [[isolation, encoding] = []] = await sessions.query(
      "SELECT current_setting('default_transaction_isolation'), current_setting('server_encoding')",
    );
    if (encoding !== 'UTF8')
      throw new Error(`the database has the encoding ${String(encoding)}, and must have UTF8`);
    sessions.explicitIsolation = isolation !== 'read committed';
    return this.events.prepare(sessions.query);
  }

  private recovered(started: string): void {
    this.attempts = 0;
    this.error = undefined;
    // After a quick failover, no statement may have failed.
    const isOther = started !== this.started;
    if (this.up && !isOther) return;
    this.started = started;
    this.up = true;
    this.events.up();
    if (this.opened) {
      if (isOther) this.listener?.check();
      return;
    }
    this.opened = true;
    this.listener?.open();
  }

  private lost(error: unknown): void {
    this.up = false;
    this.error = error;
    this.events.down(error);
  }

  private listenerEvents() {
    return {
      notification: (payload: string) => this.events.notification(payload),
      listening: () => this.events.listening(),
      deaf: (why: unknown) => {
        this.suspect(why);
        // While the server is unavailable, one line about that is enough.
        const checked = this.preparing ?? Promise.resolve();
        checked.then(
          () => {
            if (this.up && !this.isListening) this.events.deaf(explained(why));
          },
          () => undefined,
        );
      },
    };
  }
}
