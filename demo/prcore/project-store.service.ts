import { BadRequestException, Injectable, NotFoundException } from '@nestjs/common';
import { Channels, event, isSseError } from 'nestjs-event-stream';
import type { Channel } from 'nestjs-event-stream';
import { Records } from '../state/records.js';
import type { Entry } from './entry.js';
import { NO_PLACE, type Place } from './place.js';
import { newProject, type ProjectRecord, type ProjectStatus } from './project.js';

/** What the channel of a project carries besides entries: that a run is over. */
export interface RunOver {
  readonly run: number;
}

/** The type of the events that say that a run is over. */
export const RUN_OVER = 'run-over';

/** What processes know of projects, and the channel of each, whose entries have ids without holes. */
@Injectable()
export class ProjectStore {
  constructor(
    readonly records: Records,
    private readonly channels: Channels,
  ) {}

  async create(name: string | undefined): Promise<ProjectRecord> {
    for (;;) {
      const id = await this.records.update<number>('prcore/projects', (last = 0) => last + 1);
      let isNew = false;
      const project = await this.records.update<ProjectRecord>(recordOf(id), (now) => {
        isNew = now === undefined;
        return now ?? newProject(id, name);
      });
      // The count may have been forgotten before the project was.
      if (isNew) return project;
    }
  }

  /**
   * A project, in one of these statuses if any are given.
   *
   * @throws {NotFoundException} if there is none.
   * @throws {BadRequestException} if its status is another.
   */
  async find(id: string, ...statuses: ProjectStatus[]): Promise<ProjectRecord> {
    return checked(id, await this.records.read<ProjectRecord>(recordOf(id)), statuses);
  }

  /** Changes a project if it is in one of these statuses; throws as `find` does. */
  change(
    id: string,
    statuses: readonly ProjectStatus[],
    change: (now: ProjectRecord) => ProjectRecord,
  ): Promise<ProjectRecord> {
    return this.records.update<ProjectRecord>(recordOf(id), (now) => change(checked(id, now, statuses)));
  }

  /** Adds an entry, which is in the project's channel then; `false` if there is one with that id. */
  async add(project: ProjectRecord, entry: Entry): Promise<boolean> {
    try {
      await this.channel(project.id).publish(event({ id: String(entry.id), data: entry }));
      return true;
    } catch (error) {
      // Another process was faster, or this one died after it had added it.
      if (isSseError(error, 'SSE_ID_ORDER')) return false;
      throw error;
    }
  }

  /** Says in the channel that a run is over; that may be said again. */
  async sayOver(project: ProjectRecord, run: number): Promise<void> {
    await this.channel(project.id).publish(event({ type: RUN_OVER, data: { run } }));
  }

  channel(id: number): Channel<Entry | RunOver> {
    return this.channels.channel(`prcore/project/${id}`);
  }

  async place(project: ProjectRecord): Promise<Place> {
    return (await this.records.read<Place>(placeOf(project))) ?? NO_PLACE;
  }

  move(project: ProjectRecord, change: (place: Place) => Place): Promise<Place> {
    return this.records.update<Place>(placeOf(project), (place = NO_PLACE) => change(place));
  }
}

function recordOf(id: string | number): string {
  return `prcore/project/${id}`;
}

function placeOf({ id }: ProjectRecord): string {
  return `prcore/project/${id}/place`;
}

function checked(
  id: string,
  project: ProjectRecord | undefined,
  statuses: readonly ProjectStatus[],
): ProjectRecord {
  if (project === undefined || String(project.id) !== id) {
    throw new NotFoundException(`There is no project "${id}".`);
  }
  if (statuses.length === 0 || statuses.includes(project.status)) return project;
  throw new BadRequestException(
    `Project ${project.id} is ${project.status}; for this it must be ${statuses.join(' or ')}.`,
  );
}
