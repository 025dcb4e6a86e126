import { Controller, Param } from '@nestjs/common';
import { Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import { LogFiles } from './log-files.service.js';
import { LogTail } from './log-tail.service.js';
import { ratError } from './rat-events.js';
import { logEvents } from './stream-contracts.js';
import { unixSeconds } from './unix-seconds.js';

/** Maximum number of streams. Each one needs a process. */
const MAX_PROCESSES = 20;

/** Follows log files as they grow. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class LogsController {
  constructor(
    private readonly files: LogFiles,
    private readonly tail: LogTail,
  ) {}

  @Sse('logs/:service', { events: logEvents, limit: { key: 'route', max: MAX_PROCESSES } })
  async logs(@Param('service') service: string, @SseSignal() signal: AbortSignal) {
    const lines = await this.tail.follow(await this.files.end(service), signal);
    return eventsOf(service, lines);
  }
}

async function* eventsOf(service: string, lines: AsyncIterable<string>) {
  yield logEvents.message({ type: 'connected', service, timestamp: unixSeconds() });
  for await (const message of lines) {
    yield logEvents.message({ type: 'log', service, message, timestamp: unixSeconds() });
  }
}
