import { Injectable } from '@nestjs/common';
import { entryOf } from './entry.js';
import type { CaseEvent } from './event-log.js';
import { Prescriber } from './prescriber.js';
import { ProjectStore } from './project-store.service.js';
import { started, type ProjectRecord, type ProjectStatus, type ProjectView } from './project.js';
import { Simulator } from './simulator.service.js';
import { nowMs } from './utc-timestamp.js';

/**
 * The projects and their runs, in all processes. A request for an unknown project, or one with the wrong status, is
 * rejected.
 */
@Injectable()
export class Projects {
  constructor(
    private readonly store: ProjectStore,
    private readonly simulator: Simulator,
    private readonly prescriber: Prescriber,
  ) {}

  /** Creates a project. Its runs are started separately. */
  async create(name: string | undefined): Promise<ProjectView> {
    return this.view(await this.store.create(name));
  }

  /**
   * Finds a project. If statuses are given, the project must have one of them.
   *
   * @throws {NotFoundException} if there is no such project.
   * @throws {BadRequestException} if it has another status.
   */
  find(id: string, ...statuses: ProjectStatus[]): Promise<ProjectRecord> {
    return this.store.find(id, ...statuses);
  }

  async view(project: ProjectRecord): Promise<ProjectView> {
    const { id, name, status, entries } = project;
    const { given } = await this.store.place(project);
    return { id, name, status, backlog: Math.max(entries - given, 0) };
  }

  /** Reads the state of a project. If no process works on its simulation, this process continues it. */
  async read(id: string): Promise<ProjectView> {
    const project = await this.find(id);
    if (project.status === 'SIMULATING') void this.simulator.simulate(project.id, project.run);
    return this.view(project);
  }

  /**
   * Starts a run: a simulation until its last event or until it is stopped, or a run that receives events from
   * outside.
   */
  async start(id: string, status: 'STREAMING' | 'SIMULATING'): Promise<ProjectView> {
    const project = await this.store.change(id, ['CREATED', 'FINISHED'], (now) => started(now, status));
    if (status === 'SIMULATING') void this.simulator.simulate(project.id, project.run);
    return this.view(project);
  }

  /** Stops the current run. */
  async stop(id: string): Promise<ProjectView> {
    await this.simulator.finish(id);
    return this.view(await this.find(id));
  }

  /** Records an event of a case with a prescription for the next activity. Resolves with the id of the entry. */
  async record(project: ProjectRecord, event: CaseEvent, caseCompleted: boolean): Promise<number> {
    const caseKey = `prcore/project/${project.id}/run/${project.run}/case/${event.case_id}`;
    const before = (await this.store.records.read<string[]>(caseKey)) ?? [];
    const happening = { event, caseCompleted, activities: [...before, event.activity] };
    let id = project.entries + 1;
    // Another process may have used the id.
    while (!(await this.store.add(project, entryOf(id, happening, this.prescriber, nowMs())))) id++;
    await this.store.change(String(project.id), [], (now) => ({
      ...now,
      entries: Math.max(now.entries, id),
    }));
    if (caseCompleted) await this.store.records.delete(caseKey);
    else await this.store.records.update<string[]>(caseKey, (now = []) => [...now, event.activity]);
    return id;
  }
}
