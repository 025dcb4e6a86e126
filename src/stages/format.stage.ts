import type { ExecutionContext } from '@nestjs/common';
import { immediate } from '../errors/guard.js';
import { checkedId, SseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import type { AnyContract } from '../events/event-contract.js';
import { validateValue } from '../events/valid-value.js';
import { toEvent, type Emits, type Serialize } from '../events/to-event.js';
import type { ResolvedFormat } from './format.options.js';

/** Makes the ID of an event that has none. It is called only for events with data. */
export type IdMaker = (value: unknown) => string | undefined;

/** How values become events. */
export interface FormatSettings {
  emits: Emits;
  serialize: Serialize;
  makeId: IdMaker | undefined;
  /** The contract by which values are validated. */
  contract?: AnyContract | undefined;
}

/** Turns values into events. The first value that cannot be an event ends the stream with an error. */
export class FormatStage implements Sink<unknown> {
  private failed = false;

  constructor(
    private readonly settings: FormatSettings,
    private readonly out: Sink<SseEvent>,
  ) {}

  next(value: unknown): void {
    if (this.failed) return;
    // The next stages are inside this block as well. Otherwise their errors would be thrown into the source, which did not
    // cause them.
    try {
      const { emits, serialize, makeId, contract } = this.settings;
      let event = toEvent(value, emits, serialize);
      if (contract) validateValue(contract, value, emits);
      if (makeId && event && lacksId(event)) event = withId(event, makeId(value));
      if (event) this.out.next(event);
    } catch (error) {
      this.failed = true;
      this.out.error(error);
    }
  }

  error(error: unknown): void {
    if (!this.failed) this.out.error(error);
  }

  complete(): void {
    if (!this.failed) this.out.complete();
  }
}

/** Comments, delays and raw blocks do not get an ID. */
function lacksId({ id, data, raw }: SseEvent): boolean {
  return id === undefined && data !== undefined && raw === undefined;
}

function withId(event: SseEvent, id: string | undefined): SseEvent {
  return new SseEvent(event.type, checkedId(id), event.retry, event.comment, event.data);
}

/** The maker of IDs for the option `ids`, if there is one. */
export function idMaker(
  ids: ResolvedFormat['ids'],
  context: ExecutionContext,
  lastEventId: string | undefined,
): IdMaker | undefined {
  if (ids === false) return undefined;
  return ids === 'sequence' ? sequence(lastEventId) : (value) => immediate(ids(value, context), 'ids');
}

/** Counts from 1, or from the last ID that the client has received. */
export function sequence(lastEventId: string | undefined): IdMaker {
  let last = lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
  return () => String(++last);
}
