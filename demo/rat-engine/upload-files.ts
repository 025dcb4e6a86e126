import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { sharedUrl } from '../state/shared-url.js';
import { TemporaryDirectory } from './temporary-directory.js';

/** Age in milliseconds after which a file of another process is deleted. Its record has expired as well. */
const KEPT_MS = 86_400_000;

/**
 * The folder of uploaded files. A single process has its own folder, which is deleted when it exits. Processes that share
 * a server share the folder `DEMO_UPLOADS`, or without that setting a temporary folder of the machine.
 */
@Injectable()
export class UploadFiles implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #own: TemporaryDirectory | undefined;
  readonly path: string;

  constructor() {
    const shared = sharedUrl();
    this.#own = shared === undefined ? new TemporaryDirectory('rat-engine-uploads') : undefined;
    this.path = this.#own?.path ?? sharedFolder(shared?.url ?? '');
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.#own) return;
    const now = Date.now();
    for (const name of await readdir(this.path)) {
      const age = now - (await stat(this.file(name)).catch(() => ({ mtimeMs: now }))).mtimeMs;
      if (age > KEPT_MS) await this.remove(name);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#own?.remove();
  }

  /** Creates a unique name. */
  newName(): string {
    return randomUUID();
  }

  /** The path of a file whose name {@link newName} has created. */
  file(name: string): string {
    return join(this.path, name);
  }

  async remove(name: string): Promise<void> {
    await rm(this.file(name), { force: true });
  }
}

function sharedFolder(url: string): string {
  const hash = createHash('sha256').update(url).digest('hex').slice(0, 16);
  const path = process.env['DEMO_UPLOADS'] || join(tmpdir(), `rat-engine-uploads-of-${hash}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
