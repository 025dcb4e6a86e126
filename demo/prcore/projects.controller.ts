import { Body, Controller, Get, Param, Post, Put, UseFilters } from '@nestjs/common';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { readCaseEvent, readName } from './project.body.js';
import type { ProjectView } from './project.js';
import { Projects } from './projects.service.js';

/** The JSON routes of PrCore's projects. */
@Controller('project')
@UseFilters(SseErrorFilter)
export class ProjectsController {
  constructor(private readonly projects: Projects) {}

  @Post()
  create(@Body() body: unknown): Promise<ProjectView> {
    return this.projects.create(readName(body));
  }

  @Get(':projectId')
  read(@Param('projectId') projectId: string): Promise<ProjectView> {
    return this.projects.read(projectId);
  }

  @Put(':projectId/start/simulating')
  startSimulating(@Param('projectId') projectId: string): Promise<ProjectView> {
    return this.projects.start(projectId, 'SIMULATING');
  }

  @Put(':projectId/start/streaming')
  startStreaming(@Param('projectId') projectId: string): Promise<ProjectView> {
    return this.projects.start(projectId, 'STREAMING');
  }

  @Post(':projectId/event')
  async record(@Param('projectId') projectId: string, @Body() body: unknown): Promise<{ id: number }> {
    const project = await this.projects.find(projectId, 'STREAMING');
    const { event, caseCompleted } = readCaseEvent(body);
    return { id: await this.projects.record(project, event, caseCompleted) };
  }

  @Put(':projectId/stop')
  stop(@Param('projectId') projectId: string): Promise<ProjectView> {
    return this.projects.stop(projectId);
  }
}
