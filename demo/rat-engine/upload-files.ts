import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { sharedUrl } from '../state/shared-url.js';
import { TemporaryDirectory } from './temporary-directory.js';

/** Files of others that are older were left behind; their records are gone, too. */
const KEPT_MS = 86_400_000;

/**
 * Where uploaded files are. Alone, a process has a directory of its own that goes with it. Processes that share a Redis share
 * `DEMO_UPLOADS`, a folder that all of them reach, or without it one among the machine's temporary ones.
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

  /** A name that no other file has. */
  newName(): string {
    return randomUUID();
  }

  /** The path of a file with a name that {@link newName} made. */
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
