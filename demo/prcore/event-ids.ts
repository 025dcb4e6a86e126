import { ServiceUnavailableException } from '@nestjs/common';
import type { Records } from '../state/records.js';

/** Number of ids that a process reserves at a time, so that an id is available when it is needed. */
const BLOCK = 1000;

/** The ids of a project's events, pings included. They increase across readers and processes. */
export class EventIds {
  #refilling = false;

  private constructor(
    private readonly records: Records,
    private readonly key: string,
    /** The last id that was used. */
    private last: number,
    /** The last id that is reserved. */
    private end: number,
  ) {}

  /** Reserves ids for the reader of a project. */
  static async reserve(records: Records, project: number): Promise<EventIds> {
    const key = `prcore/project/${project}/event-ids`;
    const end = await addBlock(records, key);
    return new EventIds(records, key, end - BLOCK, end);
  }

  /** @throws {ServiceUnavailableException} if all ids are used and no more could be reserved. */
  next(): string {
    if (this.end - this.last < BLOCK / 2) void this.#refill();
    if (this.last >= this.end) throw new ServiceUnavailableException('There are no event ids left.');
    return String(++this.last);
  }

  /** Returns the unused ids for the next reader. Called when the reader has left. */
  async giveBack(): Promise<void> {
    const { last, end } = this;
    await this.records.update<number>(this.key, (reserved = end) => (reserved === end ? last : reserved));
  }

  async #refill(): Promise<void> {
    if (this.#refilling) return;
    this.#refilling = true;
    try {
      const end = await addBlock(this.records, this.key);
      // Another process has reserved ids in between. Continue after its ids.
      if (end - BLOCK !== this.end) this.last = end - BLOCK;
      this.end = end;
    } catch {
      // The next call of `next()` tries again.
    } finally {
      this.#refilling = false;
    }
  }
}

function addBlock(records: Records, key: string): Promise<number> {
  return records.update<number>(key, (reserved = 0) => reserved + BLOCK);
}
