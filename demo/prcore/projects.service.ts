import { BadRequestException, Injectable, NotFoundException } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Prescriber } from './prescriber.js';
import { Project } from './project.js';
import type { ProjectStatus } from './project.js';
import { replay } from './simulation.js';

/** Between two events of a simulation, at the demo's normal speed. */
const STEP_MS = 500;

/** The projects and what runs in them. */
@Injectable()
export class Projects implements OnApplicationShutdown {
  readonly #projects = new Map<string, Project>();

  constructor(
    private readonly prescriber: Prescriber,
    private readonly pace: Pace,
  ) {}

  /** A new project; its runs are started separately. */
  create(name: string | undefined): Project {
    const id = this.#projects.size + 1;
    const project = new Project(id, name ?? `Project ${id}`, this.prescriber);
    this.#projects.set(String(id), project);
    return project;
  }

  /**
   * A project, in one of these statuses if any are given.
   *
   * @throws {NotFoundException} if there is none.
   * @throws {BadRequestException} if its status is another.
   */
  find(id: string, ...statuses: ProjectStatus[]): Project {
    const project = this.#projects.get(id);
    if (project === undefined) throw new NotFoundException(`There is no project "${id}".`);
    if (statuses.length === 0 || statuses.includes(project.status)) return project;
    throw new BadRequestException(
      `Project ${project.id} is ${project.status}; for this it must be ${statuses.join(' or ')}.`,
    );
  }

  /** Replays the cases that the predictor has not seen, event by event, to the last or until it is stopped. */
  startSimulating(id: string): Project {
    const project = this.find(id, 'CREATED', 'FINISHED');
    void this.#simulate(project, project.start('SIMULATING'));
    return project;
  }

  /** From now on the project takes events from outside. */
  startStreaming(id: string): Project {
    const project = this.find(id, 'CREATED', 'FINISHED');
    project.start('STREAMING');
    return project;
  }

  /** Ends what runs. */
  stop(id: string): Project {
    const project = this.find(id, 'STREAMING', 'SIMULATING');
    project.stop();
    return project;
  }

  onApplicationShutdown(): void {
    for (const project of this.#projects.values()) project.stop();
  }

  async #simulate(project: Project, signal: AbortSignal): Promise<void> {
    for (const { event, caseCompleted } of replay(this.prescriber.heldOut)) {
      project.record(event, caseCompleted);
      await this.pace.sleep(STEP_MS, signal);
      if (signal.aborted) return;
    }
    project.stop();
  }
}
