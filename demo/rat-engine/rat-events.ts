import { HttpException } from '@nestjs/common';
import { event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { unixSeconds } from './unix-seconds.js';

/** An error, as clients of RAT Engine expect it. They have one listener and check `type`. */
export interface RatError {
  readonly type: 'error';
  readonly message: string;
}

/** Makes an event without a name, so that `onmessage` receives it. Only an `HttpException` shows its message. */
export function ratError(error: unknown): SseEvent {
  const message = error instanceof HttpException ? error.message : 'Internal server error';
  return event({ data: { type: 'error', message } satisfies RatError });
}

/** The heartbeat after a time without events. */
export function ratHeartbeat(): { type: 'heartbeat'; timestamp: number } {
  return { type: 'heartbeat', timestamp: unixSeconds() };
}
