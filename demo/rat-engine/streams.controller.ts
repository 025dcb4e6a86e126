import { Controller, Query } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { raw, Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { NEVER } from 'rxjs';
import type { Observable } from 'rxjs';
import { Pace, paced } from '../pace.js';
import { ratError, ratHeartbeat } from './rat-events.js';
import { counterEvents, heartbeatEvents, safeEvents, timeoutEvents } from './stream-contracts.js';
import { unixSeconds } from './unix-seconds.js';
import { WholeNumberPipe } from './whole-number.pipe.js';

const COUNTED_EVENTS = 10;
const SAFE_STEPS = 100;
const SECONDS = new WholeNumberPipe({ min: 1, max: 3600, fallback: 300 });

/** Generators that end by themselves, with an error, with a timeout, or never. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class StreamsController {
  constructor(private readonly pace: Pace) {}

  @Sse('events', { events: counterEvents })
  async *events(@SseSignal() signal: AbortSignal) {
    for (let value = 0; value < COUNTED_EVENTS; value++) {
      if (value > 0) await this.pace.sleep(1000, signal);
      yield counterEvents.message({ type: 'counter', value, timestamp: unixSeconds() });
    }
  }

  @Sse('custom')
  *custom(): Generator<SseEvent, void, undefined> {
    yield raw('data: {"type": "custom"}\n\n');
    yield raw('event: notification\ndata: {"alert": "New message"}\n\n');
  }

  @Sse('safe-stream', { events: safeEvents })
  async *safeStream(
    @Query('failAt', new WholeNumberPipe({ min: 0, max: SAFE_STEPS - 1, fallback: undefined }))
    failAt: number | undefined,
    @SseSignal() signal: AbortSignal,
  ) {
    try {
      for (let progress = 0; progress < SAFE_STEPS; progress++) {
        if (progress === failAt) throw new Error(`Failed at step ${progress}, as requested.`);
        yield safeEvents.message({ progress });
        await this.pace.sleep(100, signal);
      }
    } catch (error) {
      yield safeEvents.message({ type: 'error', message: (error as Error).message });
    } finally {
      yield safeEvents.message({ type: 'closed' });
    }
  }

  @Sse('timeout-stream', {
    events: timeoutEvents,
    timeout: {
      afterMs: (context) => paced(secondsOf(context) * 1000),
      data: { type: 'timeout', message: 'The time of this stream is up.' },
    },
  })
  async *timeoutStream(@Query('seconds', SECONDS) seconds: number, @SseSignal() signal: AbortSignal) {
    for (let second = 0; second < seconds; second++) {
      yield timeoutEvents.message({ timestamp: unixSeconds() });
      await this.pace.sleep(1000, signal);
    }
    // The last event is that of the timeout.
    await this.pace.sleep(Infinity, signal);
  }

  @Sse('heartbeat-stream', {
    events: heartbeatEvents,
    heartbeat: { intervalMs: paced(30_000), data: ratHeartbeat },
  })
  heartbeatStream(): Observable<never> {
    return NEVER;
  }
}

/** The parameter that the pipe has already validated. */
function secondsOf(context: ExecutionContext): number {
  const { query } = context.switchToHttp().getRequest<{ query: { seconds?: string } }>();
  return SECONDS.transform(query.seconds, { type: 'query', data: 'seconds' });
}
