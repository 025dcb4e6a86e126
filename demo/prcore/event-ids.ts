import { ServiceUnavailableException } from '@nestjs/common';
import type { Records } from '../state/records.js';

/** Ids taken from all processes in advance, so that each one is there when it is needed. */
const BLOCK = 1000;

/** The ids of a project's events, pings included: they rise, across readers and processes too. */
export class EventIds {
  #refilling = false;

  private constructor(
    private readonly records: Records,
    private readonly key: string,
    /** The last one that was given. */
    private last: number,
    /** The last one that may be. */
    private end: number,
  ) {}

  /** Ids for the reader of a project. */
  static async reserve(records: Records, project: number): Promise<EventIds> {
    const key = `prcore/project/${project}/event-ids`;
    const end = await addBlock(records, key);
    return new EventIds(records, key, end - BLOCK, end);
  }

  /** @throws {ServiceUnavailableException} if the ids have run out and no more could be had. */
  next(): string {
    if (this.end - this.last < BLOCK / 2) void this.#refill();
    if (this.last >= this.end) throw new ServiceUnavailableException('There are no event ids left.');
    return String(++this.last);
  }

  /** The reader is gone: what it did not need is for the next one. */
  async giveBack(): Promise<void> {
    const { last, end } = this;
    await this.records.update<number>(this.key, (reserved = end) => (reserved === end ? last : reserved));
  }

  async #refill(): Promise<void> {
    if (this.#refilling) return;
    this.#refilling = true;
    try {
      const end = await addBlock(this.records, this.key);
      // Somebody else has some, too: there is a hole.
      if (end - BLOCK !== this.end) this.last = end - BLOCK;
      this.end = end;
    } catch {
      // The next one that is given tries again.
    } finally {
      this.#refilling = false;
    }
  }
}

function addBlock(records: Records, key: string): Promise<number> {
  return records.update<number>(key, (reserved = 0) => reserved + BLOCK);
}
