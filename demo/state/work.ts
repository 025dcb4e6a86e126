import { Inject, Injectable, Optional } from '@nestjs/common';
import type { Slot, SlotStore } from 'nestjs-event-stream';

/** Injection token of the slots that all processes share; `undefined` where there is only one. */
export const SHARED_SLOTS = Symbol('demo:shared-slots');

/** Work that one process at a time may do: a lease that its death frees, or in one process alone a note. */
@Injectable()
export class Work {
  readonly #here = new Set<string>();

  constructor(@Optional() @Inject(SHARED_SLOTS) private readonly slots: SlotStore | undefined) {}

  /**
   * The place of who does this work, to be released when it is done; `undefined` while somebody else does it. `onLost` is
   * called if the lease ran out, because this process stood still, and somebody else has it now.
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
