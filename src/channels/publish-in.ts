import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { kind, required } from '../checking/option-kinds.js';
import { SseError } from '../errors/sse.errors.js';
import type { EventLog } from '../log/event-log.js';
import type { LogRecord } from '../log/log-record.js';
import type { Transaction } from '../log/transaction.js';

/** Options of `publish()`. */
export interface PublishOptions {
  /** The transaction of the application that the events are part of. Only for `postgresLog()`. */
  tx: Transaction;
}

const TABLE: OptionTable<PublishOptions> = {
  tx: required(kind(isTransaction, 'a client of "pg", or a function that runs a statement in a transaction')),
};

/** Appends records in a transaction of the application. Rejects with `SSE_INVALID_TRANSACTION` if the log has none. */
export async function publishIn(
  log: EventLog,
  channel: string,
  records: readonly LogRecord[],
  options: PublishOptions,
): Promise<void> {
  checkOptions('publish()', options, TABLE);
  if (log.appendIn) return log.appendIn(options.tx, channel, records);
  throw new SseError('SSE_INVALID_TRANSACTION', 'The event log has no transactions.', {
    remedy: 'Keep channels in postgresLog(), or publish without "tx" after the transaction.',
    context: { channel },
  });
}

function isTransaction(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return (
    typeof value === 'object' && value !== null && typeof (value as { query?: unknown }).query === 'function'
  );
}
