import { Controller, Query } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { raw, Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { NEVER } from 'rxjs';
import type { Observable } from 'rxjs';
import { Pace, paced } from '../pace.js';
import { ratError, ratHeartbeat, type RatError } from './rat-events.js';
import { unixSeconds } from './unix-seconds.js';
import { WholeNumberPipe } from './whole-number.pipe.js';

const COUNTED_EVENTS = 10;
const SAFE_STEPS = 100;
const SECONDS = new WholeNumberPipe({ min: 1, max: 3600, fallback: 300 });

/** Generators that end by themselves, by a throw, by the clock, or not at all. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class StreamsController {
  constructor(private readonly pace: Pace) {}

  @Sse('events')
  async *events(@SseSignal() signal: AbortSignal): AsyncGenerator<object, void, undefined> {
    for (let value = 0; value < COUNTED_EVENTS; value++) {
      if (value > 0) await this.pace.sleep(1000, signal);
      yield { type: 'counter', value, timestamp: unixSeconds() };
    }
  }

  @Sse('custom')
  *custom(): Generator<SseEvent, void, undefined> {
    yield raw('data: {"type": "custom"}\n\n');
    yield raw('event: notification\ndata: {"alert": "New message"}\n\n');
  }

  @Sse('safe-stream')
  async *safeStream(
    @Query('failAt', new WholeNumberPipe({ min: 0, max: SAFE_STEPS - 1, fallback: undefined }))
    failAt: number | undefined,
    @SseSignal() signal: AbortSignal,
  ): AsyncGenerator<object, void, undefined> {
    try {
      for (let progress = 0; progress < SAFE_STEPS; progress++) {
        if (progress === failAt) throw new Error(`Failed at ${progress}, as it was asked to.`);
        yield { progress };
        await this.pace.sleep(100, signal);
      }
    } catch (error) {
      yield { type: 'error', message: (error as Error).message } satisfies RatError;
    } finally {
      yield { type: 'closed' };
    }
  }

  @Sse('timeout-stream', {
    timeout: {
      afterMs: (context) => paced(secondsOf(context) * 1000),
      data: { type: 'timeout', message: 'The time of this stream is up.' },
    },
  })
  async *timeoutStream(
    @Query('seconds', SECONDS) seconds: number,
    @SseSignal() signal: AbortSignal,
  ): AsyncGenerator<object, void, undefined> {
    for (let second = 0; second < seconds; second++) {
      yield { timestamp: unixSeconds() };
      await this.pace.sleep(1000, signal);
    }
    // The last word is the timeout's.
    await this.pace.sleep(Infinity, signal);
  }

  @Sse('heartbeat-stream', { heartbeat: { intervalMs: paced(30_000), data: ratHeartbeat } })
  heartbeatStream(): Observable<never> {
    return NEVER;
  }
}

/** The parameter that the pipe has already let through. */
function secondsOf(context: ExecutionContext): number {
  const { query } = context.switchToHttp().getRequest<{ query: { seconds?: string } }>();
  return SECONDS.transform(query.seconds, { type: 'query', data: 'seconds' });
}
