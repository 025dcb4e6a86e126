import { Body, Controller, Get, Param, Post, Put } from '@nestjs/common';
import { readCaseEvent, readName } from './project.body.js';
import type { ProjectView } from './project.js';
import { Projects } from './projects.service.js';

/** The ordinary routes of PrCore's projects. */
@Controller('project')
export class ProjectsController {
  constructor(private readonly projects: Projects) {}

  @Post()
  create(@Body() body: unknown): ProjectView {
    return this.projects.create(readName(body)).view();
  }

  @Get(':projectId')
  read(@Param('projectId') projectId: string): ProjectView {
    return this.projects.find(projectId).view();
  }

  @Put(':projectId/start/simulating')
  startSimulating(@Param('projectId') projectId: string): ProjectView {
    return this.projects.startSimulating(projectId).view();
  }

  @Put(':projectId/start/streaming')
  startStreaming(@Param('projectId') projectId: string): ProjectView {
    return this.projects.startStreaming(projectId).view();
  }

  @Post(':projectId/event')
  record(@Param('projectId') projectId: string, @Body() body: unknown): { id: number } {
    const project = this.projects.find(projectId, 'STREAMING');
    const { event, caseCompleted } = readCaseEvent(body);
    return { id: project.record(event, caseCompleted) };
  }

  @Put(':projectId/stop')
  stop(@Param('projectId') projectId: string): ProjectView {
    return this.projects.stop(projectId).view();
  }
}
