import { Injectable, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Project } from './project.js';
import { Projects } from './projects.service.js';

interface ProjectRequest {
  params: { projectId: string };
  project: Project;
}

/** Lets only requests for a running project pass: 404 for none of that id, 400 for one in another status. */
@Injectable()
export class RunningProjectGuard implements CanActivate {
  constructor(private readonly projects: Projects) {}

  canActivate(context: ExecutionContext): boolean {
    const request = requestOf(context);
    request.project = this.projects.find(request.params.projectId, 'STREAMING', 'SIMULATING');
    return true;
  }
}

/** The project that {@link RunningProjectGuard} found for this request. */
export function projectOf(context: ExecutionContext): Project {
  return requestOf(context).project;
}

/** The project that {@link RunningProjectGuard} found for this request. */
export const RunningProject = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  projectOf(context),
);

function requestOf(context: ExecutionContext): ProjectRequest {
  return context.switchToHttp().getRequest<ProjectRequest>();
}
