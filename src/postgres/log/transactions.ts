import { closed, notAppended } from '../../errors/outage.js';
import { idOutOfOrder } from '../../log/remote/append-limits.js';
import type { LogRecord } from '../../log/log-record.js';
import { encodeHeader } from '../../log/remote/stored-record.js';
import type { Transaction } from '../../log/transaction.js';
import type { PostgresLink } from '../link/postgres-link.js';
import { wellFormed } from '../link/storable-text.js';
import { inSchema } from '../schema/migrations.js';
import { encodeFrame } from './frame.js';
import type { LogState } from './log-state.js';
import { randomToken } from './place.js';
import type { PostgresLogSettings } from './postgres-log.options.js';
import { askIn, invalidTransaction } from './transaction-answer.js';

/** Time for which a transaction is followed. After that, polling finds what it has published. */
const FOLLOW_MS = 1000;
const MIN_CHECK_MS = 4;
/** A transaction is checked again after this share of its age. */
const CHECK_SHARE = 0.25;

/** The answer of `sse_publish_1()`. */
interface PublishAnswer {
  readonly problem?: 'database' | 'server' | 'transaction' | 'isolation' | 'order';
  readonly id?: string;
  readonly last?: string;
}

interface Followed {
  readonly since: number;
  readonly channels: Set<string>;
}

/**
 * Publishes in transactions of the application. The log does not see the commit, so it asks for a while whether a
 * transaction has committed, and then announces its channels. If the process dies before that, other nodes find the events
 * when they poll.
 */
export class Transactions {
  /** The transactions that may commit soon, by their number. */
  private readonly followed = new Map<string, Followed>();
  private timer: unknown;
  /** When the timer is due. */
  private dueAt = Infinity;
  private checking = false;
  private closed = false;
  private readonly beginText: string;
  private readonly publishText: string;

  constructor(
    private readonly link: PostgresLink,
    private readonly state: LogState,
    private readonly settings: PostgresLogSettings,
    /** Transactions that have published to these channels were committed. */
    private readonly committed: (channels: Iterable<string>) => void,
  ) {
    const { schema } = settings;
    this.beginText = inSchema(schema, BEGIN);
    this.publishText = inSchema(schema, 'SELECT $S.sse_publish_1($1, $2, $3, $4, $5, $6, $7, $8) AS answer');
  }

  /** Rejects as {@link askIn}, or with `SSE_INVALID_TRANSACTION`, `SSE_ID_ORDER` or `SSE_LOG_UNAVAILABLE`. The state of the log must be known. */
  async append(tx: Transaction, channel: string, records: readonly LogRecord[]): Promise<void> {
    const { xid, exists } = await askIn<{ xid: string; exists: boolean }>(tx, channel, this.beginText, []);
    if (!exists) throw this.foreign(channel);
    const { maxAgeMs } = this.settings.bounds(channel);
    const encoded = JSON.stringify(records.map((record) => this.encode(record)));
    const token = `${randomToken()}`;
    let answer = await this.publish(tx, channel, xid, token, maxAgeMs, encoded);
    if (answer.problem === 'server') {
      // The log may not know yet that the server was restarted.
      await this.link.refresh().catch((error: unknown) => {
        throw notAppended('PostgreSQL', channel, error, false);
      });
      answer = await this.publish(tx, channel, xid, token, maxAgeMs, encoded);
    }
    if (answer.problem) throw this.rejected(channel, answer);
    this.follow(xid, channel);
  }

  close(): void {
    this.closed = true;
    this.settings.clock.cancel(this.timer);
  }

  private encode(record: LogRecord): readonly unknown[] {
    // The records are sent as JSON. An error of PostgreSQL would abort the transaction of the application.
    return [encodeHeader(record), wellFormed(encodeFrame(record.frame)), record.id ?? '', record.bytes];
  }

  private publish(
    tx: Transaction,
    channel: string,
    xid: string,
    token: string,
    maxAgeMs: number,
    records: string,
  ): Promise<PublishAnswer> {
    if (this.closed) return Promise.reject(closed());
    const { logId, database, started } = this.state;
    const keepMs = maxAgeMs > 0 ? `${maxAgeMs}` : '';
    const values = [logId, database, started, xid, channel, token, keepMs, records];
    return askIn<PublishAnswer>(tx, channel, this.publishText, values);
  }

  private rejected(channel: string, { problem, id = '', last = '' }: PublishAnswer): Error {
    switch (problem) {
      case 'order':
        return idOutOfOrder(channel, id, last);
      case 'transaction':
        return invalidTransaction(
          channel,
          'its statements are not in one open transaction',
          'Begin the transaction first, pass its client and not a pool, and await publish() before the commit.',
        );
      case 'isolation':
        return invalidTransaction(
          channel,
          'an event has an id of its own, and the isolation level of the transaction is not READ COMMITTED',
          'Publish the event without an id, or use READ COMMITTED.',
        );
      default:
        return this.foreign(channel);
    }
  }

  private foreign(channel: string): Error {
    return invalidTransaction(
      channel,
      `it does not belong to the log, which is in the schema "${this.settings.schema}" of ${this.link.address}`,
      'Pass a transaction of that database.',
    );
  }

  private follow(xid: string, channel: string): void {
    const { channels } = this.followed.get(xid) ?? { channels: new Set() };
    channels.add(channel);
    this.followed.set(xid, { since: this.settings.clock.now(), channels });
    this.checkWithin(MIN_CHECK_MS);
  }

  private checkWithin(ms: number): void {
    const { clock } = this.settings;
    if (this.closed || this.checking || this.dueAt <= clock.now() + ms) return;
    clock.cancel(this.timer);
    this.dueAt = clock.now() + ms;
    this.timer = clock.schedule(() => void this.check(), ms);
  }

  private async check(): Promise<void> {
    this.checking = true;
    this.dueAt = Infinity;
    const late = this.settings.clock.now() - FOLLOW_MS;
    try {
      const rows = await this.link.query(STATUS, [[...this.followed.keys()]]);
      for (const [xid, status] of rows) this.settle(String(xid), status, late);
    } catch {
      // The next check asks again.
      for (const [xid, { since }] of this.followed) if (since < late) this.followed.delete(xid);
    }
    this.checking = false;
    if (this.followed.size === 0) return;
    const latest = Math.max(...[...this.followed.values()].map(({ since }) => since));
    this.checkWithin(Math.max(MIN_CHECK_MS, (this.settings.clock.now() - latest) * CHECK_SHARE));
  }

  private settle(xid: string, status: unknown, late: number): void {
    const found = this.followed.get(xid);
    if (!found) return;
    if (status === 'committed') this.committed(found.channels);
    if (status !== 'in progress' || found.since < late) this.followed.delete(xid);
  }
}

const BEGIN = `SELECT json_build_object(
  'xid', pg_current_xact_id()::text, 'exists', to_regproc('$S.sse_publish_1') IS NOT NULL)::text AS answer`;

const STATUS = 'SELECT x, pg_xact_status(x::xid8) FROM unnest($1::text[]) x';
