import { Injectable, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import { EventIds } from './event-ids.js';
import { ProjectStore } from './project-store.service.js';
import type { ProjectRecord } from './project.js';

/** A running project, and the ids for the events of its reader. */
export interface Running {
  readonly project: ProjectRecord;
  readonly ids: EventIds;
}

interface ProjectRequest {
  params: { projectId: string };
  running?: Running;
}

/**
 * Finds the running project of a request and stores it in the request for {@link nextEventIdOf}. It is a pipe and not
 * a guard: a client that reconnects to a finished stream must receive 204, and that is decided after the guards.
 */
@Injectable()
class RunningProjectPipe implements PipeTransform<ProjectRequest, Promise<Running>> {
  constructor(private readonly store: ProjectStore) {}

  async transform(request: ProjectRequest): Promise<Running> {
    const project = await this.store.find(request.params.projectId, 'STREAMING', 'SIMULATING');
    request.running = { project, ids: await EventIds.reserve(this.store.records, project.id) };
    return request.running;
  }
}

const ProjectRequest = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  requestOf(context),
);

/**
 * Injects the running project in the path.
 *
 * @throws {NotFoundException} if there is no such project.
 * @throws {BadRequestException} unless its status is STREAMING or SIMULATING.
 */
export const RunningProject = (): ParameterDecorator => ProjectRequest(RunningProjectPipe);

/** The project id in the path, whether or not the project exists. */
export function projectIdOf(context: ExecutionContext): string {
  return requestOf(context).params.projectId;
}

/** The next event id of the project that {@link RunningProject} found. */
export function nextEventIdOf(context: ExecutionContext): string {
  const { running } = requestOf(context);
  if (running === undefined) throw new Error('The stream has no project yet.');
  return running.ids.next();
}

function requestOf(context: ExecutionContext): ProjectRequest {
  return context.switchToHttp().getRequest<ProjectRequest>();
}
