import { EventEmitter, once } from 'node:events';
import { event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { Backlog } from './backlog.js';
import type { Prescription } from './backlog.js';
import type { CaseEvent } from './event-log.js';
import type { Prescriber } from './prescriber.js';
import { nowMs, utcTimestamp } from './utc-timestamp.js';

/** A project is created, then runs, is finished, and may run again. */
export type ProjectStatus = 'CREATED' | 'STREAMING' | 'SIMULATING' | 'FINISHED';

/** What `GET /project/:id` shows. */
export interface ProjectView {
  readonly id: number;
  readonly name: string;
  readonly status: ProjectStatus;
  /** How many entries wait for a reader. */
  readonly backlog: number;
}

/** Running cases, the prescriptions computed for them, and the stream that one reader at a time has of them. */
export class Project {
  #status: ProjectStatus = 'CREATED';
  #run = new AbortController();
  #eventId = 0;
  #entryId = 0;
  #prescriptionId = 0;
  readonly #backlog = new Backlog();
  readonly #running = new Map<string, string[]>();
  readonly #changes = new EventEmitter();

  constructor(
    readonly id: number,
    readonly name: string,
    private readonly prescriber: Prescriber,
    private readonly clock: () => number = nowMs,
  ) {}

  get status(): ProjectStatus {
    return this.#status;
  }

  view(): ProjectView {
    return { id: this.id, name: this.name, status: this.#status, backlog: this.#backlog.size };
  }

  /** Begins a run; the signal aborts when the run is stopped. */
  start(status: 'STREAMING' | 'SIMULATING'): AbortSignal {
    this.#status = status;
    this.#run = new AbortController();
    return this.#run.signal;
  }

  /** Ends the run: the reader gets what waits, then `FINISHED`. */
  stop(): void {
    this.#status = 'FINISHED';
    this.#running.clear();
    this.#run.abort();
    this.#changes.emit('change');
  }

  /** Takes in what happened in a case and computes what should happen next. */
  record(data: CaseEvent, caseCompleted: boolean): number {
    const activities = this.#running.get(data.case_id) ?? [];
    activities.push(data.activity);
    if (caseCompleted) this.#running.delete(data.case_id);
    else this.#running.set(data.case_id, activities);
    const now = utcTimestamp(this.clock());
    this.#backlog.add({
      id: ++this.#entryId,
      timestamp: now,
      case_completed: caseCompleted,
      data,
      prescriptions: caseCompleted ? [] : this.#prescribe(activities, now),
    });
    this.#changes.emit('change');
    return this.#entryId;
  }

  /** Whatever of the stream carries an id takes it from here, pings included: they rise, across readers too. */
  nextEventId(): string {
    return String(++this.#eventId);
  }

  /** The stream of the run that is going on, until it stops or `signal` aborts. */
  async *read(
    signal: AbortSignal,
    lastEventId: string | undefined,
  ): AsyncGenerator<SseEvent, void, undefined> {
    const run = this.#run.signal;
    if (lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId)) {
      this.#backlog.returnAfter(Number(lastEventId));
    }
    this.#backlog.forgetSent();
    yield event({ type: 'notification', id: 0, data: 'CONNECTED' });
    while (!signal.aborted) {
      if (this.#backlog.size > 0) {
        yield* this.#batch();
      } else if (run.aborted) {
        yield event({ type: 'notification', id: this.nextEventId(), data: 'FINISHED' });
        return;
      } else {
        await once(this.#changes, 'change', { signal }).catch(() => undefined);
      }
    }
  }

  /** The whole backlog as one event. A reader that leaves before the stream took it leaves it to the next. */
  *#batch(): Generator<SseEvent, void, undefined> {
    const id = this.nextEventId();
    let taken = false;
    try {
      yield event({ type: 'message', id, data: this.#backlog.take(Number(id)) });
      taken = true;
    } finally {
      if (!taken) this.#backlog.returnAfter(Number(id) - 1);
    }
  }

  #prescribe(activities: readonly string[], datetime: string): Prescription[] {
    const output = this.prescriber.nextActivity(activities);
    if (output === undefined) return [];
    const { plugin } = this.prescriber;
    return [{ id: ++this.#prescriptionId, datetime, type: 'NEXT_ACTIVITY', output, plugin }];
  }
}
