import { Body, Controller, RequestMethod } from '@nestjs/common';
import { Sse, SseSignal } from 'nestjs-event-stream';
import { Queries } from './queries.service.js';
import { readSql } from './query.body.js';

/** As many queries may be open. */
const MAX_QUERIES = 100;

/** SQL in, rows out. */
@Controller('tenant/api/v1beta2')
export class QueriesController {
  constructor(private readonly queries: Queries) {}

  @Sse('queries', { method: RequestMethod.POST, limit: { key: 'route', max: MAX_QUERIES, status: 503 } })
  async query(@Body() body: unknown, @SseSignal() signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    const query = await this.queries.open(readSql(body), signal);
    return query.events();
  }
}
