import type { Sink } from '../events/sink.js';

/** The demand of the consumer, checked before each pull. The connection implements it. */
export interface Demand {
  /** False while the response has more unsent bytes than its high-water mark. */
  readonly ready: boolean;
  /** Resolves once `ready` may be true again, or the connection is closed. Never rejects. */
  whenReady(): Promise<void>;
  /** True once the consumer takes no more values. */
  readonly ended: boolean;
}

/** A source that was started. */
export interface Running {
  /**
   * Stops the source and releases its resources. May be called repeatedly, and after the source has ended. The name is that of
   * rxjs, which accepts such an object as a teardown.
   */
  unsubscribe(): void;
}

/** The status and header fields that a source sets on the response. */
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
 * The values behind a handler's result: an iterator that is pulled, or an Observable that pushes. It is started at most once.
 * If it is not started, {@link discard} releases its resources.
 */
export abstract class Source {
  declare readonly [BRAND]: true;
  /** True if values are produced on demand. The first one can then be awaited before the head is sent. */
  abstract readonly pulled: boolean;
  /** The head of the response, if the source has one. */
  declare readonly head?: ResponseHead;

  /** Starts the source. Values go to `sink`, as fast as `demand` allows. */
  abstract open(sink: Sink<unknown>, demand: Demand): Running;

  /** Releases a source that is not opened, such as an open file. */
  discard(): void {}
}
Object.defineProperty(Source.prototype, BRAND, { value: true });

/** True if a value is a {@link Source}, of this or another copy of the package. */
export function isSource(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
}
