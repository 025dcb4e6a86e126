/** A project is created, then runs, is finished, and may run again. */
export type ProjectStatus = 'CREATED' | 'STREAMING' | 'SIMULATING' | 'FINISHED';

/** What all processes know of a project. */
export interface ProjectRecord {
  readonly id: number;
  readonly name: string;
  readonly status: ProjectStatus;
  /** How many runs were begun. */
  readonly run: number;
  /** How many entries there were when the latest run began. */
  readonly base: number;
  /** How many steps of its simulation were made. */
  readonly step: number;
  /** The id of the last entry. */
  readonly entries: number;
}

/** What `GET /project/:id` shows. */
export interface ProjectView {
  readonly id: number;
  readonly name: string;
  readonly status: ProjectStatus;
  /** How many entries wait for a reader. */
  readonly backlog: number;
}

/** A project that has not run yet. */
export function newProject(id: number, name: string | undefined): ProjectRecord {
  return { id, name: name ?? `Project ${id}`, status: 'CREATED', run: 0, base: 0, step: 0, entries: 0 };
}

/** A project with a new run. */
export function started(project: ProjectRecord, status: 'STREAMING' | 'SIMULATING'): ProjectRecord {
  return { ...project, status, run: project.run + 1, base: project.entries, step: 0 };
}
