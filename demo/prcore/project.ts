/** The status of a project. A project is created, runs, finishes, and may run again. */
export type ProjectStatus = 'CREATED' | 'STREAMING' | 'SIMULATING' | 'FINISHED';

/** The state of a project that all processes share. */
export interface ProjectRecord {
  readonly id: number;
  readonly name: string;
  readonly status: ProjectStatus;
  /** Number of runs that were started. */
  readonly run: number;
  /** Number of entries before the latest run. */
  readonly base: number;
  /** Number of steps of the simulation that are done. */
  readonly step: number;
  /** The id of the last entry. */
  readonly entries: number;
}

/** The response of `GET /project/:id`. */
export interface ProjectView {
  readonly id: number;
  readonly name: string;
  readonly status: ProjectStatus;
  /** Number of entries that wait for a reader. */
  readonly backlog: number;
}

/** Creates a project that has not run yet. */
export function newProject(id: number, name: string | undefined): ProjectRecord {
  return { id, name: name ?? `Project ${id}`, status: 'CREATED', run: 0, base: 0, step: 0, entries: 0 };
}

/** Returns the project with a new run. */
export function started(project: ProjectRecord, status: 'STREAMING' | 'SIMULATING'): ProjectRecord {
  return { ...project, status, run: project.run + 1, base: project.entries, step: 0 };
}
