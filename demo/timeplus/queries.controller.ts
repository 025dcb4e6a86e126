import { Body, Controller, RequestMethod } from '@nestjs/common';
import { Sse, SseSignal } from 'nestjs-event-stream';
import { Queries } from './queries.service.js';
import { queryEvents } from './query-events.js';
import { readSql } from './query.body.js';

/** Maximum number of open queries. */
const MAX_QUERIES = 100;

/** Runs SQL. The response to the POST request is the stream of its rows. */
@Controller('tenant/api/v1beta2')
export class QueriesController {
  constructor(private readonly queries: Queries) {}

  @Sse('queries', {
    method: RequestMethod.POST,
    events: queryEvents,
    limit: { key: 'route', max: MAX_QUERIES, status: 503 },
  })
  async query(@Body() body: unknown, @SseSignal() signal: AbortSignal) {
    const query = await this.queries.open(readSql(body), signal);
    return query.events();
  }
}
