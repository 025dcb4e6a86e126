import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { readerOf } from './reader.js';

/** Maximum number of readers whose requests are counted. Beyond it, the oldest count is deleted. */
const MAX_READERS = 1000;

/** The number of requests of each reader. */
@Injectable()
export class RequestCount {
  readonly #counts = new Map<string, number>();

  add(reader: string): void {
    this.#counts.set(reader, this.of(reader) + 1);
    if (this.#counts.size > MAX_READERS) this.#counts.delete([...this.#counts.keys()][0] as string);
  }

  of(reader: string): number {
    return this.#counts.get(reader) ?? 0;
  }
}

/** Counts every request, including one that is answered with 204. */
@Injectable()
export class RequestCountGuard implements CanActivate {
  constructor(private readonly count: RequestCount) {}

  canActivate(context: ExecutionContext): boolean {
    const reader = readerOf(context.switchToHttp().getRequest<object>());
    if (reader !== undefined) this.count.add(reader);
    return true;
  }
}
