import { Controller, Param } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { LastEventId, Sse, SseSignal } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { nextEventId } from './event-ids.js';
import { Projects } from './projects.service.js';
import { nowMs, utcTimestamp } from './utc-timestamp.js';

/** The prescriptions of a project, for one reader at a time. */
@Controller('project')
export class ResultStreamController {
  constructor(private readonly projects: Projects) {}

  @Sse(':projectId/stream/result', {
    exclusive: { key: projectOf, status: 400 },
    heartbeat: {
      intervalMs: 15_000,
      always: true,
      event: 'ping',
      id: nextEventId,
      data: () => utcTimestamp(nowMs()),
    },
  })
  result(
    @Param('projectId') projectId: string,
    @SseSignal() signal: AbortSignal,
    @LastEventId() lastEventId: string | undefined,
  ): AsyncGenerator<SseEvent, void, undefined> {
    return this.projects.find(projectId, 'STREAMING', 'SIMULATING').read(signal, lastEventId);
  }
}

function projectOf(context: ExecutionContext): string {
  return context.switchToHttp().getRequest<{ params: { projectId: string } }>().params.projectId;
}
