import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Slot, SlotStore } from 'nestjs-event-stream';

/** Injection token of the slots that all processes share. `undefined` if there is only one process. */
export const SHARED_SLOTS = Symbol('demo:shared-slots');

/**
 * Work that only one process at a time may do. With shared slots, the process holds a lease, which expires when it
 * dies. A single process keeps a note in memory.
 */
@Injectable()
export class Work {
  readonly #here = new Set<string>();

  constructor(@Optional() @Inject(SHARED_SLOTS) private readonly slots: SlotStore | undefined) {}

  /**
   * Starts the work. Resolves with a slot to release when it is done, or with `undefined` while another process does
   * it. `onLost` is called if the lease expired because this process was suspended, and another process has acquired
   * it.
   */
  async begin(name: string, onLost: () => void): Promise<Slot | undefined> {
    if (this.slots) {
      const place = { key: `work:${name}`, max: 1, replaceOldest: false, onReplaced: onLost };
      const answer = await this.slots.acquire([place]);
      return 'slot' in answer ? answer.slot : undefined;
    }
    if (this.#here.has(name)) return undefined;
    this.#here.add(name);
    return { release: () => this.#here.delete(name) };
  }
}
