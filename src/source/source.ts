import type { Sink } from '../events/sink.js';

/** Whether the consumer wants the next value, asked before each pull. The connection answers it. */
export interface Demand {
  /** False while the response has more to send than its high-water mark. */
  readonly ready: boolean;
  /** Settles once `ready` may be true again, or the connection is closed. Never rejects. */
  whenReady(): Promise<void>;
  /** True once nothing is wanted any more. */
  readonly ended: boolean;
}

/** A source that was started. It may be stopped more than once, and after it has ended. */
export interface Running {
  /** Stops the source and releases what it holds. Named as in rxjs, which takes it for a teardown. */
  unsubscribe(): void;
}

/** Status and header fields that a source brings for the response. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: {
    get(name: string): string | null;
    forEach(callback: (value: string, name: string) => void): void;
    getSetCookie?(): string[];
  };
}

const BRAND = Symbol.for('nestjs-event-stream:source');

/**
 * What a handler returned, ready to be started: an iterator that is pulled, or an Observable that pushes. It is
 * started at most once; one that was never started holds nothing but what `discard` lets go of.
 */
export abstract class Source {
  declare readonly [BRAND]: true;
  /** Whether it gives values on demand, so that its first one may be waited for before the head is sent. */
  abstract readonly pulled: boolean;
  /** The head of the response, where the source has one. */
  declare readonly head?: ResponseHead;

  /** Starts the source: from now on values go to `sink`, as fast as `demand` allows. */
  abstract open(sink: Sink<unknown>, demand: Demand): Running;

  /** Lets go of a source that will not be opened, such as a file that is open already. */
  discard(): void {}
}
Object.defineProperty(Source.prototype, BRAND, { value: true });

/** Whether a value is a {@link Source}, of this or another copy of the package. */
export function isSource(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}
