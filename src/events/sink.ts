/**
 * Receives the results of a stage, like an observer of rxjs. Nothing follows `error` or `complete`. A stage that cannot stop
 * the stage before it ignores further values.
 */
export interface Sink<T> {
  next(value: T): void;
  error(error: unknown): void;
  complete(): void;
}
