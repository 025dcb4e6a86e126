/**
 * Where a stage hands on what it made: an rxjs observer without the rest of rxjs. After `error` or `complete`
 * nothing more may come; a stage that cannot stop what is before it ignores the rest.
 */
export interface Sink<T> {
  next(value: T): void;
  error(error: unknown): void;
  complete(): void;
}
