import type { SharedBatch } from './body.js';

/** Text that many connections send, encoded once. */
export class SharedText implements SharedBatch {
  readonly bytes: Buffer;
  private derivation: { make: (shared: SharedText) => unknown; value: unknown } | undefined;

  constructor(
    readonly text: string,
    readonly size: number,
  ) {
    this.bytes = Buffer.from(text);
  }

  get byteLength(): number {
    return this.bytes.length;
  }

  derive<T>(make: (shared: SharedText) => T): T {
    if (this.derivation?.make !== make) this.derivation = { make, value: make(this) };
    return this.derivation.value as T;
  }
}
