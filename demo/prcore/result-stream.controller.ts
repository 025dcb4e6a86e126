import { Controller } from '@nestjs/common';
import { LastEventId, Sse, SseSignal } from 'nestjs-event-stream';
import { paced } from '../pace.js';
import { resultEvents } from './result-events.js';
import { ResultReader } from './result-reader.service.js';
import { RunningProject, nextEventIdOf, projectIdOf, type Running } from './running-project.js';
import { nowMs, utcTimestamp } from './utc-timestamp.js';

/** Streams the prescriptions of a project to one reader at a time. */
@Controller('project')
export class ResultStreamController {
  constructor(private readonly reader: ResultReader) {}

  @Sse(':projectId/stream/result', {
    events: resultEvents,
    exclusive: { key: projectIdOf, status: 400 },
    heartbeat: {
      intervalMs: paced(15_000),
      always: true,
      event: 'ping',
      id: nextEventIdOf,
      data: () => utcTimestamp(nowMs()),
    },
  })
  result(
    @RunningProject() { project, ids }: Running,
    @SseSignal() signal: AbortSignal,
    @LastEventId() lastEventId: string | undefined,
  ) {
    return this.reader.read(project, ids, signal, lastEventId);
  }
}
