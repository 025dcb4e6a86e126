import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { Sse, SseSignal } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { RequestCount, RequestCountGuard } from './request-count.guard.js';
import { endingEvents } from './ending-events.js';
import { readerKey } from './reader.js';

const MAX_STREAMS = 2;
const STEPS = 5;
const STEP_MS = 400;

/** A stream that is limited per page, and one that ends permanently. */
@Controller('live')
export class EndingsController {
  constructor(
    private readonly count: RequestCount,
    private readonly pace: Pace,
  ) {}

  @Sse('limited', { events: endingEvents, limit: { key: readerKey, max: MAX_STREAMS } })
  async *limited(@SseSignal() signal: AbortSignal) {
    for (let step = 1; !signal.aborted; step++) {
      yield endingEvents.step({ step });
      await this.pace.sleep(1000, signal);
    }
  }

  @Sse('finite', { events: endingEvents })
  @UseGuards(RequestCountGuard)
  async *finite(@SseSignal() signal: AbortSignal) {
    for (let step = 1; step <= STEPS && !signal.aborted; step++) {
      yield endingEvents.step({ step, of: STEPS });
      await this.pace.sleep(STEP_MS, signal);
    }
  }

  /** The number of requests for the finite stream that a reader has sent. */
  @Get('finite/requests/:reader')
  requests(@Param('reader') reader: string): { requests: number } {
    return { requests: this.count.of(reader) };
  }
}
