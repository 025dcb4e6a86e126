import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new temporary directory, which is deleted when the process exits. */
export class TemporaryDirectory {
  readonly path: string;
  readonly #remove = (): void => rmSync(this.path, { recursive: true, force: true });

  /** Creates the directory. Its name begins with `name`. */
  constructor(name: string) {
    this.path = mkdtempSync(join(tmpdir(), `${name}-`));
    // A process that cannot start, or breaks down, shuts nothing down.
    process.once('exit', this.#remove);
  }

  /** The path of a file in it. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Removes it now, with all that is in it. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    process.off('exit', this.#remove);
  }
}
