import { SseError } from '../../errors/sse.errors.js';
import { notAppended, reasonOf } from '../../errors/outage.js';
import type { Transaction } from '../../log/transaction.js';
import { explained, sqlState } from '../link/postgres-errors.js';

/** Errors of a transaction that is aborted or read-only, or of a database or role that cannot be used for the log. */
const UNUSABLE = /^(25...|3F000|42P01|42883|42501)$/;
/** A serialization failure, a deadlock, or a canceled statement: the application decides whether to run its transaction again. */
const OF_APPLICATION = /^(40...|57014)$/;

/**
 * Runs a statement in a transaction. Answers its only value, which is JSON. Rejects with the error of the client itself if the
 * transaction can be tried again (SQLSTATE class 40) or was canceled (57014).
 */
export async function askIn<V>(
  tx: Transaction,
  channel: string,
  text: string,
  values: unknown[],
): Promise<V> {
  let result: unknown;
  try {
    // Called as a method: the clients need their `this`.
    result = await (typeof tx === 'function' ? tx(text, values) : tx.query(text, values));
  } catch (error) {
    throw failure(channel, error);
  }
  const value = onlyValue(result);
  if (typeof value === 'string') return JSON.parse(value) as V;
  throw invalidTransaction(channel, 'the answer to a statement has no rows', 'Return the rows of the query.');
}

/** The error for a transaction that cannot take events. */
export function invalidTransaction(channel: string, why: string, remedy: string, cause?: unknown): SseError {
  return new SseError('SSE_INVALID_TRANSACTION', `The option "tx" cannot be used: ${why}.`, {
    remedy,
    context: { channel },
    cause,
  });
}

function failure(channel: string, thrown: unknown): unknown {
  const error = ofServer(thrown);
  const code = sqlState(error);
  if (code !== undefined && OF_APPLICATION.test(code)) return thrown;
  if (code !== undefined && !UNUSABLE.test(code))
    return notAppended('PostgreSQL', channel, explained(error), false);
  const why = reasonOf(explained(error)) ?? 'the query has failed';
  return invalidTransaction(
    channel,
    why,
    'Pass a transaction of the database of the log that is still open.',
    thrown,
  );
}

/** The error of the server within the error of an ORM. */
function ofServer(thrown: unknown): unknown {
  let error = thrown;
  for (let depth = 0; depth < 3 && typeof error === 'object' && error !== null; depth++) {
    if (sqlState(error) !== undefined) return error;
    const { driverError, cause } = error as { driverError?: unknown; cause?: unknown };
    error = driverError ?? cause;
  }
  return thrown;
}

/** `{ rows: [{ answer }] }`, `[{ answer }]`, or the same with rows as arrays. */
function onlyValue(result: unknown): unknown {
  const rows: unknown = Array.isArray(result) ? result : (result as { rows?: unknown } | undefined)?.rows;
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined;
  return typeof row === 'object' && row !== null ? Object.values(row)[0] : undefined;
}
