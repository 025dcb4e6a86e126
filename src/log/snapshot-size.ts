import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * Returns the bytes of a folded state.
 *
 * @throws {SseError} `SSE_EVENT_TOO_LARGE` if it has more than `maxEventBytes`.
 */
export function checkSnapshotSize(
  channel: string,
  fold: string,
  state: string,
  maxEventBytes: number,
): number {
  const bytes = Buffer.byteLength(state);
  if (bytes <= maxEventBytes) return bytes;
  throw new SseError(
    'SSE_EVENT_TOO_LARGE',
    `The state of the fold ${quoted(fold)} has ${bytes} bytes for the channel ${quoted(channel)}.`,
    {
      remedy: `The limit is ${maxEventBytes} bytes. Fold into less data, or raise "maxEventBytes".`,
      context: { channel, fold, bytes, maxEventBytes },
    },
  );
}
