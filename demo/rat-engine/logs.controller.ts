import { Controller, Param } from '@nestjs/common';
import { Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import { LogFiles } from './log-files.service.js';
import { LogTail } from './log-tail.service.js';
import { ratError } from './rat-events.js';
import { unixSeconds } from './unix-seconds.js';

/** As many logs are followed at once: each takes a process. */
const MAX_PROCESSES = 20;

/** Log files as they grow. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class LogsController {
  constructor(
    private readonly files: LogFiles,
    private readonly tail: LogTail,
  ) {}

  @Sse('logs/:service', { limit: { key: 'route', max: MAX_PROCESSES } })
  async logs(
    @Param('service') service: string,
    @SseSignal() signal: AbortSignal,
  ): Promise<AsyncIterable<LogEvent>> {
    const lines = await this.tail.follow(await this.files.end(service), signal);
    return logEvents(service, lines);
  }
}

type LogEvent =
  | { type: 'connected'; service: string; timestamp: number }
  | { type: 'log'; service: string; message: string; timestamp: number };

async function* logEvents(
  service: string,
  lines: AsyncIterable<string>,
): AsyncGenerator<LogEvent, void, undefined> {
  yield { type: 'connected', service, timestamp: unixSeconds() };
  for await (const message of lines) yield { type: 'log', service, message, timestamp: unixSeconds() };
}
