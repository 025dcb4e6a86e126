import { Injectable } from '@nestjs/common';
import { event, isGap } from 'nestjs-event-stream';
import type { ChannelSubscription, SseEvent } from 'nestjs-event-stream';
import type { Entry } from './entry.js';
import type { EventIds } from './event-ids.js';
import { entered, taken } from './place.js';
import { ProjectStore, RUN_OVER, type RunOver } from './project-store.service.js';
import type { ProjectRecord } from './project.js';
import { resultEvents } from './result-events.js';
import { Simulator } from './simulator.service.js';

/** Milliseconds between two checks whether a process still works on the run of a reader. */
const LOOK_MS = 5000;
/** Maximum number of entries in one event. */
const MAX_BATCH = 10_000;

/**
 * Streams the results of a project to one reader at a time. It has no snapshot, because a reader must receive each entry that
 * waits, and a state cannot stand in for entries.
 */
@Injectable()
export class ResultReader {
  constructor(
    private readonly store: ProjectStore,
    private readonly simulator: Simulator,
  ) {}

  /** Streams the current run until it stops or `signal` aborts. */
  async *read(project: ProjectRecord, ids: EventIds, signal: AbortSignal, lastEventId: string | undefined) {
    const { id, run } = project;
    const look = setInterval(() => void this.simulator.lookAfter(id, run).catch(() => undefined), LOOK_MS);
    try {
      const { given } = await this.store.move(project, (place) => entered(place, lastEventId));
      void this.simulator.lookAfter(id, run).catch(() => undefined);
      yield resultEvents.notification('CONNECTED', { id: 0 });
      const start = given > 0 ? { after: String(given) } : { from: 'oldest' as const };
      yield* this.#follow(project, ids, this.store.channel(id).subscribe({ ...start, signal }), given);
    } finally {
      clearInterval(look);
      void ids.giveBack().catch(() => undefined);
    }
  }

  async *#follow(
    project: ProjectRecord,
    ids: EventIds,
    said: ChannelSubscription<Entry | RunOver>,
    given: number,
  ) {
    let last = given;
    for await (const first of said) {
      const { entries, over } = sorted([first, ...whatWaits(said)], project.run, last);
      if (entries.length > 0) {
        const id = ids.next();
        // This system writes the name of its events, which `resultEvents.message()` would leave out.
        yield event({ type: 'message', id, data: entries });
        // Not earlier: if a reader leaves without taking the batch, it must go to the next reader.
        last = entries.at(-1)?.id ?? last;
        const entry = last;
        // If the position cannot be saved now, it is saved with the next batch, or the batch is delivered again.
        await this.store.move(project, (place) => taken(place, Number(id), entry)).catch(() => undefined);
      }
      if (over) {
        yield resultEvents.notification('FINISHED', { id: ids.next() });
        return;
      }
    }
  }
}

function* whatWaits(said: ChannelSubscription<Entry | RunOver>): Generator<SseEvent, void, undefined> {
  let count = 0;
  for (let batch = said.take(); batch; batch = count < MAX_BATCH ? said.take() : undefined) {
    count += batch.size;
    for (let i = 0; i < batch.size; i++) yield batch.event(i) as SseEvent;
  }
}

/** Finds the new entries, up to the end of the run. Gaps and the end of an earlier run are ignored. */
function sorted(events: readonly SseEvent[], run: number, last: number): { entries: Entry[]; over: boolean } {
  const entries: Entry[] = [];
  for (const said of events) {
    if (isGap(said)) continue;
    const { type, data } = said;
    if (type === RUN_OVER && (data as RunOver).run >= run) return { entries, over: true };
    if (type === undefined && (data as Entry).id > last) entries.push(data as Entry);
  }
  return { entries, over: false };
}
