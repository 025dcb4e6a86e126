import { BadRequestException, Injectable, NotFoundException } from '@nestjs/common';
import { Channels, event, isSseError } from 'nestjs-event-stream';
import type { Channel } from 'nestjs-event-stream';
import { Records } from '../state/records.js';
import type { Entry } from './entry.js';
import { NO_PLACE, type Place } from './place.js';
import { newProject, type ProjectRecord, type ProjectStatus } from './project.js';

/** The event on the channel of a project that ends a run. All other events are entries. */
export interface RunOver {
  readonly run: number;
}

/** The type of the event that ends a run. */
export const RUN_OVER = 'run-over';

/**
 * The records of projects that all processes share, and the channel of each project. The entries on a channel have
 * consecutive ids.
 */
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
      // The counter may have expired before the project record did.
      if (isNew) return project;
    }
  }

  /**
   * Finds a project. If statuses are given, the project must have one of them.
   *
   * @throws {NotFoundException} if there is no such project.
   * @throws {BadRequestException} if it has another status.
   */
  async find(id: string, ...statuses: ProjectStatus[]): Promise<ProjectRecord> {
    return checked(id, await this.records.read<ProjectRecord>(recordOf(id)), statuses);
  }

  /** Changes a project if it has one of these statuses. Throws the errors of `find`. */
  change(
    id: string,
    statuses: readonly ProjectStatus[],
    change: (now: ProjectRecord) => ProjectRecord,
  ): Promise<ProjectRecord> {
    return this.records.update<ProjectRecord>(recordOf(id), (now) => change(checked(id, now, statuses)));
  }

  /**
   * Publishes an entry on the channel of the project. Resolves with `false` if the channel already has an entry with
   * this id.
   */
  async add(project: ProjectRecord, entry: Entry): Promise<boolean> {
    try {
      await this.channel(project.id).publish(event({ id: String(entry.id), data: entry }));
      return true;
    } catch (error) {
      // Another process was faster, or this process failed after it had published the entry.
      if (isSseError(error, 'SSE_ID_ORDER')) return false;
      throw error;
    }
  }

  /** Announces on the channel that a run is over. It is safe to announce it twice. */
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
