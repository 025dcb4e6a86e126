import { Injectable, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import type { Project } from './project.js';
import { Projects } from './projects.service.js';

interface ProjectRequest {
  params: { projectId: string };
  project?: Project;
}

/**
 * The running project that a request is for, left with the request for {@link nextEventIdOf}. A pipe and no guard: a client
 * that comes back to a stream which has finished is to get its 204, and that is decided after the guards.
 */
@Injectable()
class RunningProjectPipe implements PipeTransform<ProjectRequest, Project> {
  constructor(private readonly projects: Projects) {}

  transform(request: ProjectRequest): Project {
    request.project = this.projects.find(request.params.projectId, 'STREAMING', 'SIMULATING');
    return request.project;
  }
}

const ProjectRequest = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  requestOf(context),
);

/**
 * The project in the path.
 *
 * @throws {NotFoundException} if there is none.
 * @throws {BadRequestException} unless it is STREAMING or SIMULATING.
 */
export const RunningProject = (): ParameterDecorator => ProjectRequest(RunningProjectPipe);

/** The id in the path, whether there is such a project or not. */
export function projectIdOf(context: ExecutionContext): string {
  return requestOf(context).params.projectId;
}

/** The next event id of the project that {@link RunningProject} found. */
export function nextEventIdOf(context: ExecutionContext): string {
  const { project } = requestOf(context);
  if (project === undefined) throw new Error('The stream has no project yet.');
  return project.nextEventId();
}

function requestOf(context: ExecutionContext): ProjectRequest {
  return context.switchToHttp().getRequest<ProjectRequest>();
}
