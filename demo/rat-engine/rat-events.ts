import { HttpException } from '@nestjs/common';
import { event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { unixSeconds } from './unix-seconds.js';

/** What a client of RAT Engine is told of an error; it has one listener, and looks at `type`. */
export interface RatError {
  readonly type: 'error';
  readonly message: string;
}

/** An error as an event without a name, so that `onmessage` gets it. Only an `HttpException` shows its own words. */
export function ratError(error: unknown): SseEvent {
  const message = error instanceof HttpException ? error.message : 'Internal server error';
  return event({ data: { type: 'error', message } satisfies RatError });
}

/** Sent where nothing else was for a while. */
export function ratHeartbeat(): { type: 'heartbeat'; timestamp: number } {
  return { type: 'heartbeat', timestamp: unixSeconds() };
}
