import { SseError, quoted } from '../../errors/sse.errors.js';
import type { LogRecord } from '../log-record.js';

/** An append is one command. A larger one would block the server for too long, or the server would refuse it. */
const MAX_APPEND = { records: 50_000, bytes: 67_108_864 };

/**
 * Checks that the log can keep these records, and that one command can send them.
 *
 * @throws {SseError} `SSE_EVENT_TOO_LARGE`
 */
export function checkSizes(channel: string, records: readonly LogRecord[], maxEventBytes: number): void {
  let sum = 0;
  for (const { bytes } of records) {
    sum += bytes;
    if (bytes <= maxEventBytes) continue;
    throw tooLarge(
      `An event of ${bytes} bytes was published to the channel ${quoted(channel)}.`,
      `The limit is ${maxEventBytes} bytes. Publish a reference to the data, or raise "maxEventBytes".`,
      { channel, bytes, maxEventBytes },
    );
  }
  if (records.length <= MAX_APPEND.records && sum <= MAX_APPEND.bytes) return;
  throw tooLarge(
    `${records.length} events of ${sum} bytes in total were published to the channel ${quoted(channel)} at once.`,
    `The limit is ${MAX_APPEND.records} events and ${MAX_APPEND.bytes} bytes. Publish them in parts.`,
    { channel, bytes: sum, count: records.length },
  );
}

function tooLarge(what: string, remedy: string, context: Record<string, unknown>): SseError {
  return new SseError('SSE_EVENT_TOO_LARGE', what, { remedy, context });
}

/** The error for an own id that does not follow the last one of its channel. */
export function idOutOfOrder(channel: string, id: string, last: string): SseError {
  return new SseError(
    'SSE_ID_ORDER',
    `The id ${quoted(id)} does not come after ${quoted(last)} in the channel ${quoted(channel)}.`,
    {
      remedy: 'Use ids that grow: whole numbers, or texts of equal length in the order of their characters.',
      context: { channel, id, last },
    },
  );
}

/** Approximate memory that a pending record takes besides its text. */
const RECORD_OVERHEAD_BYTES = 256;

/** Limits the size of the appends that wait for a server. */
export class PendingLimit {
  private bytes = 0;

  constructor(
    private readonly server: string,
    private readonly maxPendingBytes: number,
  ) {}

  /**
   * Counts an append, and returns the function that removes it from the count, or the error if too much is waiting. A single
   * append is always accepted, because `checkSizes()` limits its size.
   */
  add(channel: string, records: readonly LogRecord[]): (() => void) | SseError {
    const size = records.reduce((sum, { bytes }) => sum + bytes + RECORD_OVERHEAD_BYTES, 0);
    if (this.bytes > 0 && this.bytes + size > this.maxPendingBytes) return this.full(channel);
    this.bytes += size;
    return () => void (this.bytes -= size);
  }

  private full(channel: string): SseError {
    const { server, bytes: pendingBytes, maxPendingBytes } = this;
    return new SseError(
      'SSE_LOG_UNAVAILABLE',
      `Too many events wait for ${server}: ${pendingBytes} bytes, the limit is ${maxPendingBytes}. ` +
        `An event for the channel ${quoted(channel)} was not published.`,
      {
        remedy: 'Wait for publish() before you publish more, or raise "maxPendingBytes".',
        context: { channel, pendingBytes, maxPendingBytes },
      },
    );
  }
}
