import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Work } from '../state/work.js';
import { entryOf, type Happening } from './entry.js';
import { Prescriber } from './prescriber.js';
import { ProjectStore } from './project-store.service.js';
import { replay } from './simulation.js';
import { nowMs } from './utc-timestamp.js';

/** Milliseconds between two events of a simulation, at normal speed. */
const STEP_MS = 500;

/**
 * Replays the cases that the predictor has not seen, event by event. One process simulates a project. If that process
 * dies, the next process that receives a request for the project continues the simulation.
 */
@Injectable()
export class Simulator implements BeforeApplicationShutdown {
  readonly #logger = new Logger(Simulator.name);
  readonly #steps: readonly Happening[];
  readonly #running = new Map<string, AbortController>();
  #closing = false;

  constructor(
    private readonly store: ProjectStore,
    private readonly prescriber: Prescriber,
    private readonly work: Work,
    private readonly pace: Pace,
  ) {
    this.#steps = replay(prescriber.heldOut);
  }

  beforeApplicationShutdown(): void {
    this.#closing = true;
    for (const running of this.#running.values()) running.abort();
  }

  /** Continues a run, unless another process does. Never rejects. */
  async simulate(id: number, run: number): Promise<void> {
    const name = `prcore/simulation/${id}/${run}`;
    if (this.#closing || this.#running.has(name)) return;
    const stop = new AbortController();
    this.#running.set(name, stop);
    const place = await this.work.begin(name, () => stop.abort()).catch(() => undefined);
    try {
      while (place && !stop.signal.aborted && (await this.#step(id, run))) {
        await this.pace.sleep(STEP_MS, stop.signal);
      }
    } catch (error) {
      this.#logger.warn(`The simulation of project ${id} is interrupted: ${String(error)}`);
    } finally {
      this.#running.delete(name);
      place?.release();
    }
  }

  /**
   * Ends a run that is complete, or that a client stops. Its reader receives the remaining entries, then `FINISHED`.
   *
   * @throws the errors of `ProjectStore.find`.
   */
  async finish(id: string, run?: number): Promise<void> {
    const project = await this.store.change(id, ['STREAMING', 'SIMULATING'], (now) =>
      run === undefined || now.run === run ? { ...now, status: 'FINISHED' } : now,
    );
    if (project.status === 'FINISHED') await this.store.sayOver(project, project.run);
  }

  /** Checks a run that has a reader: the process that should continue it or announce its end may have died. */
  async lookAfter(id: number, run: number): Promise<void> {
    const project = await this.store.find(String(id));
    if (project.run !== run || project.status === 'FINISHED') await this.store.sayOver(project, run);
    else if (project.status === 'SIMULATING') void this.simulate(id, run);
  }

  /** Makes one step. Resolves with `false` if it was the last step, or if the run is over. */
  async #step(id: number, run: number): Promise<boolean> {
    const project = await this.store.find(String(id));
    if (project.status !== 'SIMULATING' || project.run !== run) return false;
    const happening = this.#steps[project.step];
    if (happening === undefined) {
      await this.finish(String(id), run);
      return false;
    }
    const entryId = project.base + project.step + 1;
    await this.store.add(project, entryOf(entryId, happening, this.prescriber, nowMs()));
    await this.store.change(String(id), [], (now) => {
      if (now.run !== run || now.step !== project.step) return now;
      return { ...now, step: now.step + 1, entries: Math.max(now.entries, entryId) };
    });
    return true;
  }
}
