import { expectAnswer, isLate } from '../../time/answer-timer.js';
import type { Clock } from '../../time/clock.js';
import type { PostgresClient, Query, Rows } from './postgres-client.js';
import { NoAnswerError, sqlState } from './postgres-errors.js';

/** A connection of ours. */
class Session {
  /** Why it cannot be used any more. */
  lost: unknown;

  constructor(
    readonly client: PostgresClient,
    private readonly onLost: (session: Session) => void,
  ) {
    client.on('error', (error: unknown) => this.lose(error));
    client.on('end', () => this.lose(new Error('the connection has ended')));
  }

  lose(why: unknown): void {
    if (this.lost !== undefined) return;
    this.lost = why ?? new Error('the connection was lost');
    this.onLost(this);
    // With a query under way, this breaks the connection at once.
    this.client.end().catch(() => undefined);
  }

  async query(text: string, values: readonly unknown[]): Promise<Rows> {
    return (await this.client.query({ text, values: [...values], rowMode: 'array' })).rows;
  }
}

/** A few connections, made when they are needed. A statement waits until one is free. */
export class Sessions {
  private readonly idle: Session[] = [];
  private readonly all = new Set<Session>();
  private connecting = 0;
  private readonly waiting: { take(session: Session): void; fail(error: unknown): void }[] = [];
  private closed = false;
  /** Statements run in a transaction of this level. Set if the default of the database is another one. */
  explicitIsolation = false;

  constructor(
    private readonly make: () => PostgresClient,
    private readonly max: number,
    private readonly clock: Clock,
    /** Milliseconds without an answer after which a connection is replaced. `false` waits. */
    private readonly answerMs: number | false,
    /** Milliseconds after which the client gives up an attempt to connect. */
    private readonly connectMs: number,
  ) {}

  /** Rejects with the error of the server, of the connection, or with {@link NoAnswerError}. */
  readonly query: Query = async (text, values = []) => {
    const session = await this.take();
    try {
      const rows = await this.answered(session, this.run(session, text, values));
      this.give(session);
      return rows;
    } catch (error) {
      // An error that ends the session is its last answer.
      if (sqlState(error) === undefined || (error as { severity?: unknown }).severity !== 'ERROR')
        session.lose(error);
      this.give(session);
      throw error;
    }
  };

  /** Replaces all connections: another server may answer under the same name. */
  reset(why: unknown): void {
    for (const session of [...this.all]) session.lose(why);
  }

  close(): void {
    this.closed = true;
    const error = new Error('the connections were closed');
    this.reset(error);
    for (const { fail } of this.waiting.splice(0)) fail(error);
  }

  private async run(session: Session, text: string, values: readonly unknown[]): Promise<Rows> {
    if (!this.explicitIsolation) return session.query(text, values);
    await session.query('BEGIN ISOLATION LEVEL READ COMMITTED', []);
    try {
      const rows = await session.query(text, values);
      await session.query('COMMIT', []);
      return rows;
    } catch (error) {
      await session.query('ROLLBACK', []).catch(() => undefined);
      throw error;
    }
  }

  private answered(session: Session, answer: Promise<Rows>): Promise<Rows> {
    const { answerMs, clock } = this;
    if (answerMs === false) return answer;
    const cancel = expectAnswer(clock, answerMs, () => session.lose(new NoAnswerError(answerMs)));
    return answer
      .catch((error: unknown) => {
        throw session.lost instanceof NoAnswerError ? session.lost : error;
      })
      .finally(cancel);
  }

  private take(): Promise<Session> {
    if (this.closed) return Promise.reject(new Error('the connections were closed'));
    const session = this.idle.pop();
    if (session) return Promise.resolve(session);
    return new Promise((take, fail) => {
      this.waiting.push({ take, fail });
      if (this.all.size + this.connecting < this.max) void this.connect();
    });
  }

  private give(session: Session): void {
    if (session.lost === undefined) {
      const next = this.waiting.shift();
      if (next) next.take(session);
      else this.idle.push(session);
    } else if (this.waiting.length > 0 && this.all.size + this.connecting < this.max) void this.connect();
  }

  private async connect(): Promise<void> {
    this.connecting++;
    let session: Session | undefined;
    let failure: unknown;
    try {
      session = await this.open();
    } catch (error) {
      failure = error ?? new Error('no connection');
    }
    this.connecting--;
    if (session) {
      this.all.add(session);
      this.give(session);
    } else if (this.all.size === 0) {
      // All that wait would meet the same. Otherwise they get the connections that are open, one after the other.
      for (const { fail } of this.waiting.splice(0)) fail(failure);
    }
  }

  private async open(): Promise<Session> {
    const startedAt = this.clock.now();
    try {
      return await this.openOnce();
    } catch (error) {
      // A client in a process that was suspended gives up before it has read the answer of the server.
      if (this.closed || !isLate(this.clock, startedAt + this.connectMs)) throw error;
      return this.openOnce();
    }
  }

  private async openOnce(): Promise<Session> {
    // The client reads files that the options name, such as a certificate. That can fail at any time.
    const session = new Session(this.make(), (lost) => this.forget(lost));
    try {
      await session.client.connect();
    } catch (error) {
      session.lose(error);
    }
    if (this.closed) session.lose(new Error('the connections were closed'));
    if (session.lost !== undefined) throw session.lost as Error;
    return session;
  }

  private forget(session: Session): void {
    this.all.delete(session);
    const at = this.idle.indexOf(session);
    if (at !== -1) this.idle.splice(at, 1);
  }
}
