import { Controller, Get, Query, Req } from '@nestjs/common';
import { Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { dataSet, type RowChunk } from './data-set.js';
import { EventCache, type CachedEvent } from './event-cache.js';
import { maskedHeaders } from './masked-headers.js';
import { ratError } from './rat-events.js';
import { nodeRequest, type FrameworkRequest } from './node-request.js';
import { unixSeconds } from './unix-seconds.js';
import { WholeNumberPipe } from './whole-number.pipe.js';

const DEBUG_EVENTS = 10;

/** Streams of much data, and what must go on beside them. */
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

  @Sse('non-blocking')
  async *nonBlocking(@SseSignal() signal: AbortSignal): AsyncGenerator<CachedEvent, void, undefined> {
    for (const event of this.cache.events) {
      yield event;
      await this.pace.sleep(10, signal);
    }
  }

  @Sse('memory-efficient')
  memoryEfficient(
    @Query('rows', new WholeNumberPipe({ min: 1, max: 10_000_000, fallback: 1_000_000 })) rows: number,
  ): Generator<RowChunk, void, undefined> {
    return dataSet(rows);
  }

  // Payloads with a key `data` alone: they are no MessageEvents.
  @Sse('debug-stream', { emits: 'data' })
  async *debugStream(
    @Req() request: FrameworkRequest,
    @SseSignal() signal: AbortSignal,
  ): AsyncGenerator<object, void, undefined> {
    const { method, headers, url = '' } = nodeRequest(request);
    // A query string may carry a credential, too.
    const [path] = url.split('?', 1);
    yield { type: 'debug', request_info: { method, path, headers: maskedHeaders(headers) } };
    for (let data = 0; data < DEBUG_EVENTS; data++) {
      await this.pace.sleep(100, signal);
      yield { data };
    }
  }
}
