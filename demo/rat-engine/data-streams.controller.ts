import { Controller, Get, Query, Req } from '@nestjs/common';
import { Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { dataSet, type RowChunk } from './data-set.js';
import { EventCache } from './event-cache.js';
import { maskedHeaders } from './masked-headers.js';
import { ratError } from './rat-events.js';
import { nodeRequest, type FrameworkRequest } from './node-request.js';
import { cachedEvents, debugEvents, rowEvents } from './stream-contracts.js';
import { unixSeconds } from './unix-seconds.js';
import { WholeNumberPipe } from './whole-number.pipe.js';

const DEBUG_EVENTS = 10;

/** Streams with a lot of data, and an ordinary route that must still respond. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class DataStreamsController {
  constructor(
    private readonly pace: Pace,
    private readonly cache: EventCache,
  ) {}

  @Get('ping')
  ping(): object {
    return { type: 'pong', timestamp: unixSeconds() };
  }

  @Sse('non-blocking', { events: cachedEvents })
  async *nonBlocking(@SseSignal() signal: AbortSignal) {
    for (const event of this.cache.events) {
      yield cachedEvents.message(event);
      await this.pace.sleep(10, signal);
    }
  }

  @Sse('memory-efficient', { events: rowEvents })
  memoryEfficient(
    @Query('rows', new WholeNumberPipe({ min: 1, max: 10_000_000, fallback: 1_000_000 })) rows: number,
  ): Generator<RowChunk, void, undefined> {
    return dataSet(rows);
  }

  @Sse('debug-stream', { events: debugEvents })
  async *debugStream(@Req() request: FrameworkRequest, @SseSignal() signal: AbortSignal) {
    const { method = '', headers, url = '' } = nodeRequest(request);
    // A query string can contain a credential as well.
    const [path = ''] = url.split('?', 1);
    yield debugEvents.message({
      type: 'debug',
      request_info: { method, path, headers: maskedHeaders(headers) },
    });
    for (let data = 0; data < DEBUG_EVENTS; data++) {
      await this.pace.sleep(100, signal);
      yield debugEvents.message({ data });
    }
  }
}
