import { Records } from './records.js';

/** Maximum number of records. Beyond it, the record that was not changed for the longest time is deleted. */
const MAX_RECORDS = 10_000;

/** Records in the memory of one process. They are lost when it exits. */
export class MemoryRecords extends Records {
  readonly #records = new Map<string, unknown>();

  async read<T>(key: string): Promise<T | undefined> {
    return this.#records.get(key) as T | undefined;
  }

  async update<T>(key: string, change: (now: T | undefined) => T): Promise<T> {
    const next = change(this.#records.get(key) as T | undefined);
    this.#records.delete(key);
    this.#records.set(key, next);
    if (this.#records.size > MAX_RECORDS) this.#forgetOldest();
    return next;
  }

  async delete(key: string): Promise<void> {
    this.#records.delete(key);
  }

  #forgetOldest(): void {
    for (const oldest of this.#records.keys()) {
      this.#records.delete(oldest);
      return;
    }
  }
}
