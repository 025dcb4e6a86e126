import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import type { LogPosition } from './log-files.service.js';

type Tail = ChildProcessByStdio<null, Readable, null>;

/** Follows log files with one `tail` process per reader. The process ends when its reader leaves. */
@Injectable()
export class LogTail {
  readonly #running = new Set<Tail>();

  /** The ids of the running processes. */
  get pids(): number[] {
    return [...this.#running].flatMap(({ pid }) => pid ?? []);
  }

  /**
   * Reads the lines after a position until `signal` aborts, also after the file was rotated. Resolves when the process
   * runs. All lines that are written from then on are read.
   *
   * @throws {ServiceUnavailableException} if the process cannot be started. The iteration throws it if the process ends.
   */
  async follow({ path, offset }: LogPosition, signal: AbortSignal): Promise<AsyncIterable<string>> {
    // Not "-n 0": lines written before tail has opened the file would be skipped.
    const args = ['-c', `+${offset + 1}`, '-F', path];
    // The child does not need the environment of the server, except for the path of its program.
    const env = { PATH: process.env['PATH'] };
    const tail = spawn('tail', args, { stdio: ['ignore', 'pipe', 'ignore'], env });
    const kill = (): void => void tail.kill('SIGKILL');
    const gone = (): void => {
      this.#running.delete(tail);
      signal.removeEventListener('abort', kill);
    };
    this.#running.add(tail);
    tail.once('close', gone).on('error', gone);
    signal.addEventListener('abort', kill);
    try {
      await once(tail, 'spawn');
    } catch {
      throw new ServiceUnavailableException('The log cannot be followed on this machine.');
    }
    if (signal.aborted) kill();
    return lines(tail, signal);
  }
}

async function* lines(tail: Tail, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  try {
    for await (const line of createInterface({ input: tail.stdout, crlfDelay: Infinity })) yield line;
  } finally {
    tail.kill('SIGKILL');
  }
  if (!signal.aborted) throw new ServiceUnavailableException('The log can no longer be followed.');
}
